// The three transports a page can read with, by the names the server uses for them.

export type Transport = 'poll' | 'long-poll' | 'stream';

/** In the order in which they are shown. */
export const TRANSPORTS: readonly Transport[] = ['poll', 'long-poll', 'stream'];

/** The polling interval's range, in seconds. */
export const INTERVAL_S = { min: 0.25, max: 60, initial: 2 } as const;

/** How long one long-poll asks the server to wait, in seconds. */
export const LONG_POLL_WAIT_S = 25;
