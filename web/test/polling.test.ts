import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Polling } from '../src/client/sources/polling.ts';
import { FakeNetwork } from './browser-support.ts';
import {
  fakeFetch,
  hang,
  json,
  limited,
  networkDown,
  pollAnswer,
  problem,
  RecordingSink,
} from './support.ts';

type Replies = Parameters<typeof fakeFetch>;

function polling(replies: Replies, { wait_s = 0, interval_ms = 2_000 } = {}) {
  const sink = new RecordingSink();
  const { fetch, calls } = fakeFetch(...replies);
  const interval = { ms: interval_ms };
  const source = new Polling({
    room: 'lobby',
    client: 'me',
    sink,
    wait_s,
    interval_ms: () => interval.ms,
    connections: new FakeNetwork(fetch),
  });
  const started_ms = performance.now();
  const times = () => calls.map(({ at_ms }) => Math.round(at_ms - started_ms));
  return { source, sink, calls, interval, times };
}

const slow =
  (ms: number, ids: number[] = []) =>
  async () => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return pollAnswer(ids);
  };

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe('interval polling', () => {
  test('requests the room at its position for its client, bypassing caches', async () => {
    const { source, calls } = polling([() => pollAnswer([])]);
    source.start(() => ({ last: 50 }));
    await vi.advanceTimersByTimeAsync(0);
    expect(calls[0]?.url.pathname).toBe('/poll');
    expect(Object.fromEntries(calls[0]?.url.searchParams ?? [])).toEqual({
      room: 'lobby',
      last: '50',
      client: 'me',
    });
    expect(calls[0]?.init.cache).toBe('no-store');
  });

  test('polls again a fixed time after the start of the last poll', async () => {
    const { source, times } = polling([slow(300)]);
    source.start(() => ({ cursor: 'aaa-1' }));
    await vi.advanceTimersByTimeAsync(6_100);
    expect(times()).toEqual([0, 2_000, 4_000, 6_000]);
  });

  test('never has two polls in flight', async () => {
    const { source, times } = polling([slow(5_000)]);
    source.start(() => ({ cursor: 'aaa-1' }));
    await vi.advanceTimersByTimeAsync(11_000);
    expect(times()).toEqual([0, 5_000, 10_000]);
  });

  test('polls again at once if the response says more', async () => {
    const { source, times, sink } = polling([
      () => pollAnswer([1, 2], { more: true }),
      () => pollAnswer([3]),
      () => pollAnswer([]),
    ]);
    source.start(() => ({ cursor: 'aaa-0' }));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(times()).toEqual([0, 0]);
    expect(sink.ids).toEqual([1, 2, 3]);
  });

  test('calls `position` for each poll', async () => {
    let cursor = 'aaa-1';
    const { source, calls } = polling([() => pollAnswer([])]);
    source.start(() => ({ cursor }));
    await vi.advanceTimersByTimeAsync(0);
    cursor = 'aaa-9';
    await vi.advanceTimersByTimeAsync(2_000);
    expect(calls.map(({ url }) => url.searchParams.get('cursor'))).toEqual(['aaa-1', 'aaa-9']);
  });

  test('follows a new interval while it waits', async () => {
    const { source, interval, times } = polling([() => pollAnswer([])], { interval_ms: 30_000 });
    source.start(() => ({ cursor: 'aaa-1' }));
    await vi.advanceTimersByTimeAsync(1_000);
    interval.ms = 2_500;
    source.reschedule();
    await vi.advanceTimersByTimeAsync(2_000);
    expect(times()).toEqual([0, 2_500]);
  });

  test('stops at once: the request is aborted and nothing more arrives', async () => {
    const { source, sink, calls } = polling([slow(500, [1])]);
    source.start(() => ({ cursor: 'aaa-0' }));
    await vi.advanceTimersByTimeAsync(100);
    source.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(calls).toHaveLength(1);
    expect(calls[0]?.init.signal?.aborted).toBe(true);
    expect(sink.batches).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('reports that it reconnects, retries with growing pauses of at most 5 s, and recovers', async () => {
    const replies = Array.from({ length: 12 }, () => networkDown);
    const { source, sink, times } = polling([...replies, () => pollAnswer([1])]);
    source.start(() => ({ cursor: 'aaa-0' }));
    await vi.advanceTimersByTimeAsync(60_000);
    const pauses = times()
      .slice(0, 13)
      .map((time, index, all) => time - (all[index - 1] ?? 0));
    expect(pauses[1]).toBeLessThanOrEqual(251);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(5_001);
    expect(pauses.at(-1)).toBeGreaterThanOrEqual(2_500);
    expect(sink.kinds.slice(0, 13)).toEqual(['connecting', ...Array(12).fill('reconnecting')]);
    expect(sink.kinds[13]).toBe('live');
    expect(sink.ids[0]).toBe(1);
  });

  test('retries at once when `reconnect` ends a pause', async () => {
    const { source, sink } = polling([
      networkDown,
      networkDown,
      networkDown,
      networkDown,
      () => pollAnswer([]),
    ]);
    source.start(() => ({ cursor: 'aaa-0' }));
    await vi.advanceTimersByTimeAsync(1_400);
    const before = sink.kinds.length;
    for (let i = 0; i < 4; i++) {
      source.reconnect();
      await vi.advanceTimersByTimeAsync(0);
    }
    expect(before).toBeLessThan(6);
    expect(sink.kinds.at(-1)).toBe('live');
  });

  test('keeps its interval on `reconnect`', async () => {
    const { source, times } = polling([() => pollAnswer([])]);
    source.start(() => ({ cursor: 'aaa-0' }));
    await vi.advanceTimersByTimeAsync(500);
    source.reconnect();
    await vi.advanceTimersByTimeAsync(1_600);
    expect(times()).toEqual([0, 2_000]);
  });

  test('waits as long as a refusal asks, even if the page is back', async () => {
    const { source, times } = polling([() => limited(503, 10), () => pollAnswer([])]);
    source.start(() => ({ cursor: 'aaa-0' }));
    await vi.advanceTimersByTimeAsync(5_000);
    source.reconnect();
    await vi.advanceTimersByTimeAsync(5_500);
    expect(times()).toEqual([0, 10_000]);
  });

  test('waits as long as a refusal asks, even if a poll is due at once', async () => {
    const { source, times } = polling([() => limited(429, 10), () => pollAnswer([])]);
    source.start(() => ({ cursor: 'aaa-0' }));
    await vi.advanceTimersByTimeAsync(5_000);
    source.pollNow();
    await vi.advanceTimersByTimeAsync(5_500);
    expect(times()).toEqual([0, 10_000]);
  });

  test('does not ask more often than usual after it has asked too often', async () => {
    const { source, times } = polling([() => limited(429, 1), () => pollAnswer([])], { interval_ms: 30_000 });
    source.start(() => ({ cursor: 'aaa-0' }));
    await vi.advanceTimersByTimeAsync(31_000);
    expect(times()).toEqual([0, 30_000]);
  });

  test('passes on the detail and the status of a refusal', async () => {
    const { source, sink } = polling([() => problem(503, 'The store is away.')]);
    source.start(() => ({ cursor: 'aaa-0' }));
    await vi.advanceTimersByTimeAsync(0);
    const link = { kind: 'reconnecting', why: 'refused', detail: 'The store is away.', status: 503 };
    expect(sink.links.at(-1)).toEqual(link);
  });

  test.each([
    ['is no JSON', () => new Response('<html>')],
    ['has no messages', () => json(200, { cursor: 'aaa-1' })],
    ['has no cursor', () => json(200, { messages: [] })],
    ['has a message without an id', () => json(200, { messages: [{ text: 'x' }], cursor: 'aaa-1' })],
  ])('rejects a response that %s', async (_, reply) => {
    const { source, sink } = polling([reply]);
    source.start(() => ({ cursor: 'aaa-0' }));
    await vi.advanceTimersByTimeAsync(0);
    expect(sink.links.at(-1)).toMatchObject({ kind: 'reconnecting', why: 'garbled' });
    expect(sink.batches).toEqual([]);
  });

  test('times out a request without a response', async () => {
    const { source, sink } = polling([hang, () => pollAnswer([1])]);
    source.start(() => ({ cursor: 'aaa-0' }));
    await vi.advanceTimersByTimeAsync(10_500);
    expect(sink.kinds).toEqual(['connecting', 'reconnecting', 'live']);
  });

  test('passes on a reset with the messages after it', async () => {
    const { source, sink } = polling([() => pollAnswer([1], { reset: 'unknown' }, 'bbb')]);
    source.start(() => ({ cursor: 'aaa-7' }));
    await vi.advanceTimersByTimeAsync(0);
    expect(sink.batches[0]).toMatchObject({ reset: 'unknown', cursor: 'bbb-1' });
  });
});

describe('long-polling', () => {
  test('has a short wait until the first response, then the full one', async () => {
    const { source, calls } = polling([slow(1_000), slow(25_000)], { wait_s: 25 });
    source.start(() => ({ cursor: 'aaa-0' }));
    await vi.advanceTimersByTimeAsync(1_100);
    expect(calls.map(({ url }) => url.searchParams.get('wait'))).toEqual(['1', '25']);
  });

  test('polls again at once after a response with messages', async () => {
    const { source, times, sink } = polling([slow(40, [1]), slow(70, [2]), hang], { wait_s: 25 });
    source.start(() => ({ cursor: 'aaa-0' }));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(times()).toEqual([0, 40, 110]);
    expect(sink.ids).toEqual([1, 2]);
  });

  test('does not busy-loop on early empty responses', async () => {
    const { source, calls } = polling([() => pollAnswer([])], { wait_s: 25 });
    source.start(() => ({ cursor: 'aaa-0' }));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(calls.length).toBeLessThanOrEqual(41);
  });

  test('waits as long as the server may, and a little longer', async () => {
    const { source, sink } = polling([slow(10), hang], { wait_s: 25 });
    source.start(() => ({ cursor: 'aaa-0' }));
    await vi.advanceTimersByTimeAsync(34_000);
    expect(sink.kinds.at(-1)).toBe('live');
    await vi.advanceTimersByTimeAsync(2_000);
    expect(sink.kinds.at(-1)).toBe('reconnecting');
  });
});
