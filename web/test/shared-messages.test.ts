import { describe, expect, test } from 'vitest';
import { SharedMessages } from '../src/lab/shared-messages.ts';

/** A lane sees these messages, which are published a second apart. */
function saw(shared: SharedMessages, lane: number, cursors: string, delay_ms: number | null, from = 0): void {
  [...cursors].forEach((cursor, at) =>
    shared.recordSeen(lane, cursor, delay_ms, (from + at) * 1_000 + (delay_ms ?? 0)),
  );
}

describe('messages that lanes share', () => {
  test('are missing while another lane has seen them and this one has not', () => {
    const shared = new SharedMessages(2);
    saw(shared, 1, 'ab', 5);
    expect([shared.countMissing(0), shared.countMissing(1)]).toEqual([2, 0]);
    saw(shared, 0, 'a', 800);
    expect([shared.countMissing(0), shared.countMissing(1)]).toEqual([1, 0]);
    saw(shared, 0, 'b', 800, 1);
    saw(shared, 0, 'c', 800, 2);
    expect([shared.countMissing(0), shared.countMissing(1)]).toEqual([0, 1]);
  });

  test('are not missing after a gap, and bounded in number', () => {
    const shared = new SharedMessages(2);
    for (let id = 0; id < 5_000; id++) shared.recordSeen(0, `m${id}`, 5, id);
    expect(shared.countMissing(1)).toBe(1_000);
    shared.recordGap(1);
    expect(shared.countMissing(1)).toBe(0);
    expect(shared.seenByAll).toBe(0);
  });

  test('are compared over the same messages, with missing ones at their delay so far', () => {
    const shared = new SharedMessages(2);
    saw(shared, 1, 'abc', 10);
    saw(shared, 0, 'a', 400);
    expect(shared.seenByAll).toBe(1);
    // b has waited since second 1, c since second 2.
    expect(shared.median_ms(0, 9_000)).toBe(7_000);
    expect(shared.median_ms(1, 9_000)).toBe(10);
    expect(shared.longestWait_ms(0, 9_000)).toBe(8_000);
    expect(shared.longestWait_ms(1, 9_000)).toBeNull();
  });

  test('are not compared if they are from before a lane began', () => {
    const shared = new SharedMessages(2);
    saw(shared, 0, 'ab', null);
    saw(shared, 1, 'ab', null);
    expect([shared.seenByAll, shared.countMissing(0), shared.median_ms(0, 9_000)]).toEqual([0, 0, null]);
    saw(shared, 0, 'c', 5, 2);
    saw(shared, 1, 'c', 7, 2);
    expect([shared.seenByAll, shared.median_ms(0, 9_000), shared.median_ms(1, 9_000)]).toEqual([1, 5, 7]);
  });

  test('get their true delay once it is known', () => {
    const shared = new SharedMessages(1);
    shared.recordSeen(0, 'a', 300, 300);
    shared.correct(0, 'a', 12);
    expect(shared.median_ms(0, 9_000)).toBe(12);
  });
});
