// How long to wait before the next attempt: growing delays with jitter, so that many pages do not all return at once.

const INITIAL_MS = 250;
const MAX_MS = 5_000;

/** The delay after `failures` failures in a row (1 for the first), in milliseconds. */
export function backoff(failures: number, random: () => number = Math.random): number {
  const delay_ms = Math.min(MAX_MS, INITIAL_MS * 2 ** Math.min(failures - 1, 10));
  return Math.round(delay_ms * (0.5 + random() / 2));
}
