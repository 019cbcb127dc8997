import { describe, expect, test } from 'vitest';
import { ServerClock } from '../src/lab/clock.ts';
import { Delays, quantile } from '../src/lab/delays.ts';
import type { Message } from '../src/client/message.ts';
import { message } from './support.ts';

/** A server whose clock is 1,000,000 ms ahead of the page's, known to 2 ms. */
function delays(started_ms = 0) {
  const clock = new ServerClock();
  clock.sample(started_ms, started_ms + 4, started_ms + 2 + 1_000_000);
  return new Delays(clock, started_ms);
}

const at = (id: number, page_ms: number): Message => ({
  ...message(id),
  sent_at: new Date(page_ms + 1_000_000).toISOString(),
});

describe('delays', () => {
  test('of a message from elsewhere are taken by the server’s clock, with what that leaves open', () => {
    const delay = delays().seen(at(1, 500), 'poll', 1_320);
    expect(delay?.ms).toBe(820);
    expect(delay?.uncertainty_ms).toBeCloseTo(2, 0);
  });

  test('of this page’s own are taken by one clock, whichever end comes first', () => {
    const d = delays();
    expect(d.sent('aaa-1', 100)).toBeNull();
    expect(d.expected).toBe(1);
    expect(d.seen(at(1, 105), 'poll', 1_100)).toEqual({ ms: 1_000, uncertainty_ms: 0 });
    expect(d.expected).toBe(0);
    d.seen(at(2, 2_001), 'stream', 2_003);
    expect(d.sent('aaa-2', 1_995)).toEqual({ ms: 8, uncertainty_ms: 0 });
    expect(d.figures('stream')).toEqual({ median_ms: 8, p95_ms: 8, messages: 1 });
  });

  test('are none for what was said before the lane began', () => {
    const d = delays(10_000);
    expect(d.seen(at(1, 9_000), 'poll', 10_010)).toBeNull();
    expect(d.figures('poll')).toBeNull();
  });

  test('are none for what was said while the page had stopped the lane', () => {
    const d = delays();
    d.sent('aaa-1', 100);
    d.resume(10_000);
    expect(d.expected).toBe(0);
    expect(d.seen(at(1, 105), 'poll', 10_010)).toBeNull();
    expect(d.seen(at(2, 5_000), 'stream', 10_010)).toBeNull();
    expect(d.sent('aaa-2', 4_990)).toBeNull();
    expect(d.figures('poll') ?? d.figures('stream')).toBeNull();
    expect(d.seen(at(3, 10_020), 'stream', 10_030)?.ms).toBe(10);
  });

  test('are none while the server’s clock is not known', () => {
    const d = new Delays(new ServerClock(), 0);
    expect(d.seen(message(1), 'poll', 10)).toBeNull();
  });

  test('are never below nothing', () => {
    expect(delays().seen(at(1, 501), 'stream', 500)?.ms).toBe(0);
  });

  test('a message of another log is not this page’s own', () => {
    const d = delays();
    d.sent('aaa-1', 100);
    d.seen(message(1, 'bbb'), 'poll', 101);
    expect(d.expected).toBe(1);
  });

  test('what was awaited is given up where messages may be missing', () => {
    const d = delays();
    d.sent('aaa-1', 100);
    d.clearExpected();
    expect(d.expected).toBe(0);
  });

  test('figures are by transport: the median, and what 95 of 100 did not exceed', () => {
    const d = delays();
    for (let id = 1; id <= 100; id++) {
      d.sent(`aaa-${id}`, 0);
      d.seen(at(id, 0), 'poll', id);
    }
    d.sent('aaa-101', 0);
    d.seen(at(101, 0), 'stream', 7);
    expect(d.figures('poll')).toEqual({ median_ms: 50, p95_ms: 95, messages: 100 });
    expect(d.figures('stream')).toEqual({ median_ms: 7, p95_ms: 7, messages: 1 });
  });

  test('memory is bounded', () => {
    const d = delays();
    for (let id = 1; id <= 5_000; id++) {
      d.sent(`aaa-${id}`, 0);
      d.seen(at(id, 0), 'poll', id);
    }
    expect(d.figures('poll')?.messages).toBe(1_000);
  });

  test('quantiles are values that were there', () => {
    expect(quantile([1], 0.95)).toBe(1);
    expect(quantile([1, 2], 0.5)).toBe(1);
    expect(quantile([1, 2, 3], 0.5)).toBe(2);
    expect(quantile([1, 2, 3], 0.95)).toBe(3);
  });
});
