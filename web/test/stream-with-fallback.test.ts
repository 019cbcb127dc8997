import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Position } from '../src/client/ingest.ts';
import { StreamWithFallback } from '../src/client/sources/stream-with-fallback.ts';
import { FakeNetwork } from './browser-support.ts';
import { fakeFetch, message, networkDown, pollAnswer, RecordingSink } from './support.ts';

type Replies = Parameters<typeof fakeFetch>;

const MUTE_MS = 6_000;

/** Like a lane, advances the position with each batch. */
function createStream(replies: Replies = [() => pollAnswer([])], slept = false) {
  const sink = new RecordingSink();
  const { fetch, calls } = fakeFetch(...replies);
  const network = new FakeNetwork(fetch, MUTE_MS);
  const position = (): Position => ({
    cursor: sink.batches.filter((it) => it.cursor !== null).at(-1)?.cursor ?? 'aaa-0',
  });
  const source = new StreamWithFallback({
    room: 'lobby',
    client: 'me',
    sink,
    connections: network,
    interval_ms: () => 2_000,
  });
  source.start(position, slept);
  const cursors = () => network.opened.map(({ url }) => url.searchParams.get('cursor'));
  return { source, sink, connections: network, calls, cursors };
}

async function createMuteStream() {
  const s = createStream([() => pollAnswer([1]), () => pollAnswer([], { cursor: 'aaa-1' })]);
  s.connections.newest.emitOpen();
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
    const { connections: network, calls, sink } = createStream();
    network.newest.emitOpen();
    for (let i = 0; i < 10; i++) {
      await vi.advanceTimersByTimeAsync(2_000);
      network.newest.emitKeepAlive();
    }
    expect(network.opened).toHaveLength(1);
    expect(network.newest.url.searchParams.get('heartbeat')).toBe('2');
    expect(calls).toEqual([]);
    expect(sink.links.at(-1)).toEqual({ kind: 'live' });
  });

  test('polls while it is mute, and reports how long it was silent', async () => {
    const { sink, connections: network, calls } = await createMuteStream();
    expect(network.opened[0]?.readyState).toBe(2);
    expect(sink.ids).toEqual([1]);
    expect(calls.map(({ url }) => url.searchParams.get('cursor'))).toEqual(['aaa-0']);
    expect(sink.links.at(-1)).toMatchObject({ kind: 'live', fallback: { why: 'mute', idle_s: 6 } });
    await vi.advanceTimersByTimeAsync(4_000);
    expect(calls).toHaveLength(3);
  });

  test('tries the stream again after growing pauses, and polls in between', async () => {
    const { connections: network, calls } = await createMuteStream();
    const from = performance.now();
    const tried: number[] = [];
    let known = network.opened.length;
    while (tried.length < 6) {
      await vi.advanceTimersByTimeAsync(100);
      if (network.opened.length === known) continue;
      known = network.opened.length;
      tried.push(performance.now() - from);
      network.newest.emitOpen();
    }
    const pauses = tried.map((at, i) => at - (tried[i - 1] ?? -MUTE_MS) - MUTE_MS);
    expect(pauses.map((ms) => Math.round(ms / 1_000))).toEqual([6, 12, 24, 48, 96, 192]);
    // A poll every 2 s throughout.
    expect(calls.length).toBeGreaterThan((performance.now() - from) / 2_000 - 3);
  });

  test('returns to the stream on its first event, at the polls’ cursor', async () => {
    const { sink, connections: network, calls, cursors } = await createMuteStream();
    await vi.advanceTimersByTimeAsync(MUTE_MS);
    expect(cursors()).toEqual(['aaa-0', 'aaa-1']);
    network.newest.emitOpen();
    expect(sink.links.at(-1)).toMatchObject({ fallback: { why: 'mute' } });
    const polls = calls.length;
    network.newest.emitKeepAlive();
    expect(sink.links.at(-1)).toEqual({ kind: 'live' });
    network.newest.emitMessage(message(2));
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
    } = createStream([
      () => pollAnswer([1]),
      () => pollAnswer([], { cursor: 'aaa-1' }),
      () => pollAnswer([], { cursor: 'aaa-1' }),
      () => pollAnswer([], { cursor: 'aaa-1' }),
      () => pollAnswer([2]),
    ]);
    network.newest.emitOpen();
    await vi.advanceTimersByTimeAsync(2 * MUTE_MS);
    const tried = network.newest;
    await vi.advanceTimersByTimeAsync(3_000);
    expect(sink.ids).toEqual([1, 2]);
    tried.emitOpen();
    tried.emitMessage(message(2));
    expect(sink.ids).toEqual([1, 2]);
    expect(tried.readyState).toBe(2);
    expect(cursors().at(-1)).toBe('aaa-2');
    network.newest.emitOpen();
    network.newest.emitMessage(message(3));
    expect(sink.ids).toEqual([1, 2, 3]);
    expect(sink.links.at(-1)).toEqual({ kind: 'live' });
  });

  test('after a sleep polls once, then opens the stream', async () => {
    const { sink, connections: network, calls, cursors } = createStream([() => pollAnswer([4])], true);
    expect(network.opened).toEqual([]);
    await vi.advanceTimersByTimeAsync(10);
    expect(cursors()).toEqual(['aaa-4']);
    network.newest.emitOpen();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(calls).toHaveLength(1);
    expect(sink.kinds.at(-1)).toBe('live');
  });

  test('after a sleep without a network polls until it is back', async () => {
    const {
      sink,
      connections: network,
      calls,
    } = createStream([networkDown, networkDown, () => pollAnswer([4])], true);
    await vi.advanceTimersByTimeAsync(100);
    expect(sink.kinds.at(-1)).toBe('reconnecting');
    await vi.advanceTimersByTimeAsync(2_000);
    expect(calls).toHaveLength(3);
    expect(network.opened).toHaveLength(1);
  });

  test('does nothing on `reconnect` after a recent event, and polls first otherwise', async () => {
    const { source, connections: network, calls } = createStream();
    network.newest.emitOpen();
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
    const { source, connections: network } = await createMuteStream();
    source.reconnect();
    expect(network.opened).toHaveLength(2);
  });

  test.each(['streaming', 'mute', 'trying'])('stops at once while %s', async (state) => {
    const s = state === 'streaming' ? createStream() : await createMuteStream();
    if (state === 'trying') s.source.reconnect();
    s.source.stop();
    const { length } = s.sink.links;
    const seen = s.calls.length;
    await vi.advanceTimersByTimeAsync(60_000);
    s.connections.newest.emitMessage(message(9));
    expect(s.sink.links).toHaveLength(length);
    expect(s.sink.ids).not.toContain(9);
    expect(s.calls).toHaveLength(seen);
    expect(vi.getTimerCount()).toBe(0);
  });
});
