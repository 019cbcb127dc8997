import { describe, expect, test } from 'vitest';
import { parseEpochMs, ServerClock } from '../src/lab/clock.ts';

describe('the server’s clock', () => {
  test('is unknown before the first sample', () => {
    expect(new ServerClock().local(5, 0)).toBeNull();
  });

  test('is the middle of the round trip, plus or minus half of it', () => {
    const clock = new ServerClock();
    clock.sample(1_000, 1_010, 50_005);
    expect(clock.local(50_005, 1_010)).toEqual({ at_ms: 1_005, uncertainty_ms: 5 });
    expect(clock.local(50_105, 1_010)?.at_ms).toBe(1_105);
  });

  test('always lies within its uncertainty, whatever the two directions take', () => {
    let seed = 1;
    const random = () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
    for (let run = 0; run < 200; run++) {
      const clock = new ServerClock();
      const offset_ms = (random() - 0.5) * 1e9;
      let now_ms = 0;
      for (let i = 0; i < 20; i++) {
        const [there, back] = [random() * 80, random() * 80];
        clock.sample(now_ms, now_ms + there + back, now_ms + there + offset_ms);
        now_ms += 1_000;
        const true_ms = now_ms - 300;
        const guess = clock.local(true_ms + offset_ms, now_ms);
        expect(Math.abs((guess?.at_ms ?? NaN) - true_ms)).toBeLessThanOrEqual(
          (guess?.uncertainty_ms ?? NaN) + 1e-6,
        );
      }
    }
  });

  test('keeps the shortest round trip until a later one is more precise', () => {
    const clock = new ServerClock();
    clock.sample(0, 4, 2);
    clock.sample(1_000, 1_100, 1_050);
    expect(clock.local(0, 1_100)?.uncertainty_ms).toBeCloseTo(2 + 0.1096, 3);
    clock.sample(200_000, 200_030, 200_015);
    expect(clock.local(0, 200_030)?.uncertainty_ms).toBe(15);
  });

  test('ignores a response without a time', () => {
    const clock = new ServerClock();
    clock.sample(0, 4, NaN);
    expect(clock.local(5, 5)).toBeNull();
  });

  test('times keep their microseconds', () => {
    expect(parseEpochMs('1970-01-01T00:00:01.234567Z')).toBeCloseTo(1_234.567, 6);
    expect(parseEpochMs('1970-01-01T00:00:01Z')).toBe(1_000);
    expect(parseEpochMs('yesterday')).toBeNaN();
  });
});
