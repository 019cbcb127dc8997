import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Position } from '../src/client/ingest.ts';
import { StreamWithFallback } from '../src/client/sources/stream-with-fallback.ts';
import { FakeNetwork } from './browser-support.ts';
import { fakeFetch, message, networkDown, pollAnswer, RecordingSink } from './support.ts';

type Replies = Parameters<typeof fakeFetch>;

const MUTE_MS = 6_000;

/** Like a lane, advances the position with each batch. */
function steady(replies: Replies = [() => pollAnswer([])], slept = false) {
  const sink = new RecordingSink();
  const { fetch, calls } = fakeFetch(...replies);
  const network = new FakeNetwork(fetch, MUTE_MS);
  const place = (): Position => ({
    cursor: sink.batches.filter((it) => it.cursor !== null).at(-1)?.cursor ?? 'aaa-0',
  });
  const source = new StreamWithFallback({
    room: 'lobby',
    client: 'me',
    sink,
    connections: network,
    interval_ms: () => 2_000,
  });
  source.start(place, slept);
  const cursors = () => network.opened.map(({ url }) => url.searchParams.get('cursor'));
  return { source, sink, connections: network, calls, cursors };
}

async function goesMute() {
  const s = steady([() => pollAnswer([1]), () => pollAnswer([], { cursor: 'aaa-1' })]);
  s.connections.newest.opens();
  await vi.advanceTimersByTimeAsync(MUTE_MS + 10);
  return s;
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe('a stream with a fallback', () => {
  test('is a stream while events arrive', async () => {
    const { connections: network, calls, sink } = steady();
    network.newest.opens();
    for (let i = 0; i < 10; i++) {
      await vi.advanceTimersByTimeAsync(2_000);
      network.newest.beats();
    }
    expect(network.opened).toHaveLength(1);
    expect(network.newest.url.searchParams.get('heartbeat')).toBe('2');
    expect(calls).toEqual([]);
    expect(sink.links.at(-1)).toEqual({ kind: 'live' });
  });

  test('polls while it is mute, and reports how long it was silent', async () => {
    const { sink, connections: network, calls } = await goesMute();
    expect(network.opened[0]?.readyState).toBe(2);
    expect(sink.ids).toEqual([1]);
    expect(calls.map(({ url }) => url.searchParams.get('cursor'))).toEqual(['aaa-0']);
    expect(sink.links.at(-1)).toMatchObject({ kind: 'live', fallback: { why: 'mute', idle_s: 6 } });
    await vi.advanceTimersByTimeAsync(4_000);
    expect(calls).toHaveLength(3);
  });

  test('tries the stream again after growing pauses, and polls in between', async () => {
    const { connections: network, calls } = await goesMute();
    const from = performance.now();
    const tried: number[] = [];
    let known = network.opened.length;
    while (tried.length < 6) {
      await vi.advanceTimersByTimeAsync(100);
      if (network.opened.length === known) continue;
      known = network.opened.length;
      tried.push(performance.now() - from);
      network.newest.opens();
    }
    const pauses = tried.map((at, i) => at - (tried[i - 1] ?? -MUTE_MS) - MUTE_MS);
    expect(pauses.map((ms) => Math.round(ms / 1_000))).toEqual([6, 12, 24, 48, 96, 192]);
    // A poll every 2 s throughout.
    expect(calls.length).toBeGreaterThan((performance.now() - from) / 2_000 - 3);
  });

  test('returns to the stream on its first event, at the polls’ cursor', async () => {
    const { sink, connections: network, calls, cursors } = await goesMute();
    await vi.advanceTimersByTimeAsync(MUTE_MS);
    expect(cursors()).toEqual(['aaa-0', 'aaa-1']);
    network.newest.opens();
    expect(sink.links.at(-1)).toMatchObject({ fallback: { why: 'mute' } });
    const polls = calls.length;
    network.newest.beats();
    expect(sink.links.at(-1)).toEqual({ kind: 'live' });
    network.newest.says(message(2));
    await vi.advanceTimersByTimeAsync(2_500);
    expect(calls).toHaveLength(polls);
    expect(sink.ids).toEqual([1, 2]);
    expect(network.opened).toHaveLength(2);
  });

  test('is reopened if the polls have advanced in between, so that nothing is repeated', async () => {
    const {
      sink,
      connections: network,
      cursors,
    } = steady([
      () => pollAnswer([1]),
      () => pollAnswer([], { cursor: 'aaa-1' }),
      () => pollAnswer([], { cursor: 'aaa-1' }),
      () => pollAnswer([], { cursor: 'aaa-1' }),
      () => pollAnswer([2]),
    ]);
    network.newest.opens();
    await vi.advanceTimersByTimeAsync(2 * MUTE_MS);
    const tried = network.newest;
    await vi.advanceTimersByTimeAsync(3_000);
    expect(sink.ids).toEqual([1, 2]);
    tried.opens();
    tried.says(message(2));
    expect(sink.ids).toEqual([1, 2]);
    expect(tried.readyState).toBe(2);
    expect(cursors().at(-1)).toBe('aaa-2');
    network.newest.opens();
    network.newest.says(message(3));
    expect(sink.ids).toEqual([1, 2, 3]);
    expect(sink.links.at(-1)).toEqual({ kind: 'live' });
  });

  test('after a sleep polls once, then opens the stream', async () => {
    const { sink, connections: network, calls, cursors } = steady([() => pollAnswer([4])], true);
    expect(network.opened).toEqual([]);
    await vi.advanceTimersByTimeAsync(10);
    expect(cursors()).toEqual(['aaa-4']);
    network.newest.opens();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(calls).toHaveLength(1);
    expect(sink.kinds.at(-1)).toBe('live');
  });

  test('after a sleep without a network polls until it is back', async () => {
    const {
      sink,
      connections: network,
      calls,
    } = steady([networkDown, networkDown, () => pollAnswer([4])], true);
    await vi.advanceTimersByTimeAsync(100);
    expect(sink.kinds.at(-1)).toBe('reconnecting');
    await vi.advanceTimersByTimeAsync(2_000);
    expect(calls).toHaveLength(3);
    expect(network.opened).toHaveLength(1);
  });

  test('does nothing on `reconnect` after a recent event, and polls first otherwise', async () => {
    const { source, connections: network, calls } = steady();
    network.newest.opens();
    await vi.advanceTimersByTimeAsync(1_000);
    source.reconnect();
    expect(calls).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(4_500);
    source.reconnect();
    await vi.advanceTimersByTimeAsync(10);
    expect(calls).toHaveLength(1);
    expect(network.opened).toHaveLength(2);
  });

  test('is tried at once on `reconnect` while it is mute', async () => {
    const { source, connections: network } = await goesMute();
    source.reconnect();
    expect(network.opened).toHaveLength(2);
  });

  test.each(['streaming', 'mute', 'trying'])('stops at once while %s', async (state) => {
    const s = state === 'streaming' ? steady() : await goesMute();
    if (state === 'trying') s.source.reconnect();
    s.source.stop();
    const { length } = s.sink.links;
    const seen = s.calls.length;
    await vi.advanceTimersByTimeAsync(60_000);
    s.connections.newest.says(message(9));
    expect(s.sink.links).toHaveLength(length);
    expect(s.sink.ids).not.toContain(9);
    expect(s.calls).toHaveLength(seen);
    expect(vi.getTimerCount()).toBe(0);
  });
});
