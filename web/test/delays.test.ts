import { describe, expect, test } from 'vitest';
import { ServerClock } from '../src/lab/clock.ts';
import { Delays, quantile } from '../src/lab/delays.ts';
import type { Message } from '../src/client/message.ts';
import { message } from './support.ts';

/** For a server whose clock is 1,000,000 ms ahead of the page's, with an uncertainty of 2 ms. */
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
  test('of other messages are measured by the server’s clock, with an uncertainty', () => {
    const delay = delays().recordSeen(at(1, 500), 'poll', 1_320);
    expect(delay?.ms).toBe(820);
    expect(delay?.uncertainty_ms).toBeCloseTo(2, 0);
  });

  test('of this page’s own messages are measured by one clock, whichever end comes first', () => {
    const d = delays();
    expect(d.recordSent('aaa-1', 100)).toBeNull();
    expect(d.expected).toBe(1);
    expect(d.recordSeen(at(1, 105), 'poll', 1_100)).toEqual({ ms: 1_000, uncertainty_ms: 0 });
    expect(d.expected).toBe(0);
    d.recordSeen(at(2, 2_001), 'stream', 2_003);
    expect(d.recordSent('aaa-2', 1_995)).toEqual({ ms: 8, uncertainty_ms: 0 });
    expect(d.summarize('stream')).toEqual({ median_ms: 8, p95_ms: 8, messages: 1 });
  });

  test('are null for messages from before the lane began', () => {
    const d = delays(10_000);
    expect(d.recordSeen(at(1, 9_000), 'poll', 10_010)).toBeNull();
    expect(d.summarize('poll')).toBeNull();
  });

  test('are null for messages published while the lane was stopped', () => {
    const d = delays();
    d.recordSent('aaa-1', 100);
    d.resume(10_000);
    expect(d.expected).toBe(0);
    expect(d.recordSeen(at(1, 105), 'poll', 10_010)).toBeNull();
    expect(d.recordSeen(at(2, 5_000), 'stream', 10_010)).toBeNull();
    expect(d.recordSent('aaa-2', 4_990)).toBeNull();
    expect(d.summarize('poll') ?? d.summarize('stream')).toBeNull();
    expect(d.recordSeen(at(3, 10_020), 'stream', 10_030)?.ms).toBe(10);
  });

  test('are null for messages published before the lane changed to the transport that delivers them', () => {
    const d = delays();
    d.setTransport('poll');
    d.recordSent('aaa-1', 100);
    d.recordSeen(at(2, 5_000), 'poll', 9_990);
    d.setTransport('stream', 10_000);
    expect(d.recordSeen(at(1, 105), 'stream', 10_010)).toBeNull();
    expect(d.recordSeen(at(3, 6_000), 'stream', 10_010)).toBeNull();
    expect(d.recordSeen(at(4, 10_020), 'stream', 10_030)?.ms).toBe(10);
    // Polling had delivered it, although this page learns only now that it is its own.
    expect(d.recordSent('aaa-2', 4_990)?.ms).toBe(5_000);
    expect([d.summarize('stream', true)?.messages, d.summarize('poll', true)?.messages]).toEqual([1, 1]);
  });

  test('are null while the server’s clock is unknown', () => {
    const d = new Delays(new ServerClock(), 0);
    expect(d.recordSeen(message(1), 'poll', 10)).toBeNull();
  });

  test('are never negative', () => {
    expect(delays().recordSeen(at(1, 501), 'stream', 500)?.ms).toBe(0);
  });

  test('do not confuse a message of another log with this page’s own', () => {
    const d = delays();
    d.recordSent('aaa-1', 100);
    d.recordSeen(message(1, 'bbb'), 'poll', 101);
    expect(d.expected).toBe(1);
  });

  test('do not wait for expected messages after a gap', () => {
    const d = delays();
    d.recordSent('aaa-1', 100);
    d.clearExpected();
    expect(d.expected).toBe(0);
  });

  test('are summarized by transport as the median and the 95th percentile', () => {
    const d = delays();
    for (let id = 1; id <= 100; id++) {
      d.recordSent(`aaa-${id}`, 0);
      d.recordSeen(at(id, 0), 'poll', id);
    }
    d.recordSent('aaa-101', 0);
    d.recordSeen(at(101, 0), 'stream', 7);
    expect(d.summarize('poll')).toEqual({ median_ms: 50, p95_ms: 95, messages: 100 });
    expect(d.summarize('stream')).toEqual({ median_ms: 7, p95_ms: 7, messages: 1 });
  });

  test('are bounded in number', () => {
    const d = delays();
    for (let id = 1; id <= 5_000; id++) {
      d.recordSent(`aaa-${id}`, 0);
      d.recordSeen(at(id, 0), 'poll', id);
    }
    expect(d.summarize('poll')?.messages).toBe(1_000);
  });

  test('have quantiles by the nearest-rank method', () => {
    expect(quantile([1], 0.95)).toBe(1);
    expect(quantile([1, 2], 0.5)).toBe(1);
    expect(quantile([1, 2, 3], 0.5)).toBe(2);
    expect(quantile([1, 2, 3], 0.95)).toBe(3);
  });
});
