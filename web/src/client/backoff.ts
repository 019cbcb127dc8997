// How long to wait before the next attempt: growing delays with jitter, so that many pages do not all return at once.

const FIRST_MS = 250;
const LONGEST_MS = 5_000;

/** The delay after `failures` failures in a row (1 for the first), in milliseconds. */
export function backoff(failures: number, random: () => number = Math.random): number {
  const whole = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 10));
  return Math.round(whole * (0.5 + random() / 2));
}
