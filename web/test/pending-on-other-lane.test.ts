import { describe, expect, test } from 'vitest';
import { PendingMessages } from '../src/lab/pending-on-other-lane.ts';

describe('what is late', () => {
  test('is what the other lane has seen, until this one has', () => {
    const late = new PendingMessages();
    late.saw(1, ['a', 'b']);
    expect([late.missing(0), late.missing(1)]).toEqual([2, 0]);
    late.saw(0, ['a']);
    expect([late.missing(0), late.missing(1)]).toEqual([1, 0]);
    late.saw(0, ['b', 'c']);
    expect([late.missing(0), late.missing(1)]).toEqual([0, 1]);
    late.saw(1, ['c']);
    expect([late.missing(0), late.missing(1)]).toEqual([0, 0]);
  });

  test('is not counted beyond a gap, nor without bound', () => {
    const late = new PendingMessages();
    late.saw(
      0,
      Array.from({ length: 5_000 }, (_, index) => `m${index}`),
    );
    expect(late.missing(1)).toBe(1_000);
    late.gap(1);
    expect(late.missing(1)).toBe(0);
  });

  test('is nothing that a lane had before the other was told of its gap', () => {
    const late = new PendingMessages();
    late.gap(1);
    late.saw(1, ['new']);
    expect(late.missing(0)).toBe(1);
    late.gap(0);
    late.saw(0, ['new']);
    expect([late.missing(0), late.missing(1)]).toEqual([0, 0]);
  });
});
