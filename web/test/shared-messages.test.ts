import { describe, expect, test } from 'vitest';
import { SharedMessages } from '../src/lab/shared-messages.ts';
import { message } from './support.ts';

/** A lane sees the messages `a`, `b` and so on, which have the ids 1, 2 and so on and are published a second apart. */
function saw(shared: SharedMessages, lane: number, cursors: string, delay_ms: number | null, from = 0): void {
  [...cursors].forEach((letter, at) =>
    shared.recordSeen(lane, toMessage(letter), delay_ms, (from + at) * 1_000 + (delay_ms ?? 0)),
  );
}

const toMessage = (letter: string) => message(letter.charCodeAt(0) - 96);

/** A lane sees the messages from id `first` to `last`, 50 of which are published in a second, at once. */
function sawMany(shared: SharedMessages, lane: number, first: number, last: number, log = 'aaa'): void {
  for (let id = first; id <= last; id++) shared.recordSeen(lane, message(id, log), 5, id * 20);
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

  test('are not missing after a gap', () => {
    const shared = new SharedMessages(2);
    sawMany(shared, 0, 1, 5_000);
    shared.recordGap(1);
    expect(shared.countMissing(1)).toBe(0);
    expect(shared.seenByAll).toBe(0);
  });

  test('are all counted, if more are missing than are tracked', () => {
    const shared = new SharedMessages(2);
    sawMany(shared, 1, 1, 9_000);
    expect([shared.countMissing(0), shared.countMissing(1)]).toEqual([9_000, 0]);
    expect(shared.getMissing(0)).toBeNull();
    sawMany(shared, 0, 1, 9_000);
    expect([shared.countMissing(0), shared.countMissing(1)]).toEqual([0, 0]);
    expect([shared.median_ms(1, 200_000), shared.longestWait_ms(1, 200_000)]).toEqual([5, null]);
    const before = shared.seenByAll;
    sawMany(shared, 1, 9_001, 19_000);
    expect(shared.seenByAll).toBe(before);
  });

  test('of another log are told from those with the same ids', () => {
    const shared = new SharedMessages(2);
    for (const lane of [0, 1]) sawMany(shared, lane, 1, 9_000);
    sawMany(shared, 1, 1, 3, 'bbb');
    expect([shared.countMissing(0), shared.countMissing(1)]).toEqual([3, 0]);
  });

  test('from before a restart are neither compared nor missing', () => {
    const shared = new SharedMessages(2);
    saw(shared, 1, 'abc', 5);
    expect(shared.getMissing(0)).toEqual(['a', 'b', 'c'].map(toMessage));
    shared.restart();
    saw(shared, 1, 'd', 5, 3);
    saw(shared, 0, 'abc', null);
    expect([shared.countMissing(0), shared.countMissing(1), shared.seenByAll]).toEqual([1, 0, 0]);
    saw(shared, 0, 'd', 9, 3);
    expect([shared.countMissing(0), shared.seenByAll, shared.median_ms(0, 9_000)]).toEqual([0, 1, 9]);
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
    saw(shared, 0, 'a', 300);
    shared.correct(0, toMessage('a').cursor, 12);
    expect(shared.median_ms(0, 9_000)).toBe(12);
  });
});
