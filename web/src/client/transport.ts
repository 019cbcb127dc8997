// The three transports a page can read with, by the names the server uses for them.

export type Transport = 'poll' | 'long-poll' | 'stream';

/** In the order in which they are shown. */
export const TRANSPORTS: readonly Transport[] = ['poll', 'long-poll', 'stream'];
