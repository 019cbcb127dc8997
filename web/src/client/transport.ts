// The three transports, by the server's names.

export type Transport = 'poll' | 'long-poll' | 'stream';

/** In display order. */
export const TRANSPORTS: readonly Transport[] = ['poll', 'long-poll', 'stream'];
