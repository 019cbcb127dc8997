import { expect, test } from 'vitest';
import { INTERVAL_S, STOPS_S, findNearestStop } from '../src/lab/interval-scale.ts';

test('the scale goes from the shortest to the longest interval in nearly equal ratios', () => {
  expect([STOPS_S[0], STOPS_S.at(-1)]).toEqual([INTERVAL_S.min, INTERVAL_S.max]);
  const ratios = STOPS_S.slice(1).map((stop, at) => stop / STOPS_S[at]!);
  for (const ratio of ratios) expect(Math.abs(Math.log(ratio / 1.25))).toBeLessThan(0.1);
});

test('an interval between two stops maps to the nearer one', () => {
  expect(STOPS_S[findNearestStop(INTERVAL_S.initial)]).toBe(INTERVAL_S.initial);
  expect(STOPS_S[findNearestStop(2.13)]).toBe(2);
  expect(STOPS_S[findNearestStop(7.5)]).toBe(8);
});
