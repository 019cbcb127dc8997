import { describe, expect, test } from 'vitest';
import { SharedMessages } from '../src/lab/shared-messages.ts';

/** Each lane sees these with its own delay; the messages are published a second apart, from 0. */
function saw(shared: SharedMessages, lane: number, cursors: string, delay_ms: number | null, from = 0): void {
  [...cursors].forEach((cursor, at) =>
    shared.saw(lane, cursor, delay_ms, (from + at) * 1_000 + (delay_ms ?? 0)),
  );
}

describe('messages that lanes share', () => {
  test('are late as long as another lane has seen them and this one has not', () => {
    const shared = new SharedMessages(2);
    saw(shared, 1, 'ab', 5);
    expect([shared.missing(0), shared.missing(1)]).toEqual([2, 0]);
    saw(shared, 0, 'a', 800);
    expect([shared.missing(0), shared.missing(1)]).toEqual([1, 0]);
    saw(shared, 0, 'b', 800, 1);
    saw(shared, 0, 'c', 800, 2);
    expect([shared.missing(0), shared.missing(1)]).toEqual([0, 1]);
  });

  test('are not late beyond a gap, nor without bound', () => {
    const shared = new SharedMessages(2);
    for (let id = 0; id < 5_000; id++) shared.saw(0, `m${id}`, 5, id);
    expect(shared.missing(1)).toBe(1_000);
    shared.gap(1);
    expect(shared.missing(1)).toBe(0);
    expect(shared.seenByAll).toBe(0);
  });

  test('are compared over the same messages, and what waits is as late as it is by now', () => {
    const shared = new SharedMessages(2);
    saw(shared, 1, 'abc', 10);
    saw(shared, 0, 'a', 400);
    expect(shared.seenByAll).toBe(1);
    // b has waited since 1 s, c since 2 s.
    expect(shared.median_ms(0, 9_000)).toBe(7_000);
    expect(shared.median_ms(1, 9_000)).toBe(10);
    expect(shared.longestWait_ms(0, 9_000)).toBe(8_000);
    expect(shared.longestWait_ms(1, 9_000)).toBeNull();
  });

  test('from before a lane began are not compared', () => {
    const shared = new SharedMessages(2);
    saw(shared, 0, 'ab', null);
    saw(shared, 1, 'ab', null);
    expect([shared.seenByAll, shared.missing(0), shared.median_ms(0, 9_000)]).toEqual([0, 0, null]);
    saw(shared, 0, 'c', 5, 2);
    saw(shared, 1, 'c', 7, 2);
    expect([shared.seenByAll, shared.median_ms(0, 9_000), shared.median_ms(1, 9_000)]).toEqual([1, 5, 7]);
  });

  test('of this page have their true delay as soon as it is known', () => {
    const shared = new SharedMessages(1);
    shared.saw(0, 'a', 300, 300);
    shared.correct(0, 'a', 12);
    expect(shared.median_ms(0, 9_000)).toBe(12);
  });
});
