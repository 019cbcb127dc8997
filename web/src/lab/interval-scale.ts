// The range of the polling interval, and the logarithmic scale of its slider: round numbers of seconds, each about a
// quarter more than the previous one.

/** In seconds. */
export const INTERVAL_S = { min: 0.25, max: 60, initial: 2 } as const;

/** Ascending. */
export const STOPS_S: readonly number[] = [
  0.25, 0.3, 0.4, 0.5, 0.6, 0.8, 1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60,
];

/** The index of the stop nearest to `seconds` on the logarithmic scale. */
export function findNearestStop(seconds: number): number {
  const distance = (stop: number) => Math.abs(Math.log(stop / seconds));
  return STOPS_S.reduce(
    (best, stop, at) => (distance(stop) < distance(STOPS_S[best] ?? stop) ? at : best),
    0,
  );
}
