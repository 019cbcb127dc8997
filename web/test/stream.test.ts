import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Fetch } from '../src/client/connection-factory.ts';
import type { Position } from '../src/client/ingest.ts';
import { Stream } from '../src/client/sources/stream.ts';
import { FakeNetwork } from './browser-support.ts';
import { limited, message, RecordingSink } from './support.ts';

function stream(position: () => Position = () => ({ cursor: 'aaa-1' }), fetch?: Fetch) {
  const sink = new RecordingSink();
  const network = new FakeNetwork(fetch);
  const received = { events: 0, stalls: 0 };
  const source = new Stream({
    room: 'lobby',
    client: 'me',
    sink,
    connections: network,
    onEvent: () => (received.events += 1),
    onStalled: () => (received.stalls += 1),
  });
  source.start(position);
  return {
    source,
    sink,
    connections: network,
    received,
    opened: network.opened,
    newest: () => network.newest,
  };
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe('the stream', () => {
  test('opens an EventSource at its position for its client', () => {
    const { newest } = stream();
    expect(newest().url.pathname).toBe('/stream');
    expect(Object.fromEntries(newest().url.searchParams)).toEqual({
      room: 'lobby',
      cursor: 'aaa-1',
      client: 'me',
      heartbeat: '15',
    });
  });

  test('passes each message on with its own cursor', () => {
    const { sink, newest } = stream();
    newest().emitOpen();
    newest().emitMessage(message(2));
    newest().emitMessage(message(3));
    expect(sink.kinds).toEqual(['connecting', 'live']);
    expect(sink.ids).toEqual([2, 3]);
    expect(sink.batches.at(-1)?.cursor).toBe('aaa-3');
  });

  test.each(['expired', 'unknown'] as const)('passes on the reset %s', (reason) => {
    const { sink, newest } = stream();
    newest().emitOpen();
    newest().emitMessage({ reason }, 'reset');
    expect(sink.batches).toEqual([{ messages: [], cursor: null, reset: reason }]);
  });

  test('polls to learn why it was refused', async () => {
    const asked: string[] = [];
    const { sink, newest } = stream(undefined, (input) => {
      asked.push(String(input));
      const problem = { title: 'Unauthorized', status: 401, detail: 'the token has expired' };
      return Promise.resolve(new Response(JSON.stringify(problem), { status: 401 }));
    });
    newest().emitClosed();
    await vi.advanceTimersByTimeAsync(1);
    expect(asked).toEqual(['poll?room=lobby&last=0']);
    const link = { kind: 'reconnecting', why: 'refused', detail: 'the token has expired', status: 401 };
    expect(sink.links.at(-1)).toEqual(link);
  });

  test('waits as long as a refusal asks, even if the page is back', async () => {
    const { source, opened, newest } = stream(undefined, () => Promise.resolve(limited(429, 10)));
    newest().emitClosed();
    await vi.advanceTimersByTimeAsync(9_000);
    source.reconnect();
    expect(opened).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1_100);
    expect(opened).toHaveLength(2);
  });

  test('treats an unknown reason as a gap', () => {
    const { sink, newest } = stream();
    newest().emitMessage({ reason: 'moon' }, 'reset');
    newest().emitMessage(['odd'], 'reset');
    expect(sink.batches.map(({ reset }) => reset)).toEqual(['other', 'other']);
  });

  test('passes on presence, and ignores invalid parts of it', () => {
    const { sink, newest } = stream();
    newest().emitOpen();
    newest().emitMessage(
      { room: 'tea', count: 1, present: [{ client: 'a', transport: 'pigeon', mood: 'good' }] },
      'presence',
    );
    newest().emitMessage('no json', 'presence');
    newest().emitMessage({ present: 'all' }, 'presence');
    newest().emitMessage(message(2));
    expect(sink.presences).toEqual([
      {
        room: 'tea',
        count: 1,
        present: [{ client: 'a', author: null, transport: null, through: null, since: '' }],
      },
    ]);
    expect(sink.ids).toEqual([2]);
    expect(sink.kinds).toEqual(['connecting', 'live']);
  });

  test('lets the browser reconnect, and reports it', () => {
    const { sink, opened, newest } = stream();
    newest().emitOpen();
    newest().emitLost();
    newest().emitLost();
    newest().emitOpen();
    expect(sink.kinds).toEqual(['connecting', 'live', 'reconnecting', 'reconnecting', 'live']);
    expect(opened).toHaveLength(1);
  });

  test('opens a new EventSource at the newest cursor if the browser gave up, after growing pauses', async () => {
    let cursor = 'aaa-1';
    const { sink, opened, newest } = stream(() => ({ cursor }));
    newest().emitOpen();
    cursor = 'aaa-5';
    newest().emitClosed();
    expect(sink.links.at(-1)).toEqual({ kind: 'reconnecting', why: 'refused', detail: null });
    await vi.advanceTimersByTimeAsync(250);
    expect(opened).toHaveLength(2);
    expect(newest().url.searchParams.get('cursor')).toBe('aaa-5');

    const pauses: number[] = [];
    for (let i = 0; i < 8; i++) {
      const from = performance.now();
      const count = opened.length;
      newest().emitClosed();
      while (opened.length === count) await vi.advanceTimersByTimeAsync(10);
      pauses.push(performance.now() - from);
    }
    expect(pauses[0]).toBeLessThanOrEqual(510);
    expect(pauses.at(-1)).toBeGreaterThanOrEqual(2_500);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(5_010);
  });

  test('does not let the browser start over before the first cursor', async () => {
    let position: Position = { last: 50 };
    const { opened, newest } = stream(() => position);
    newest().emitOpen();
    position = { last: 1000 };
    newest().emitLost();
    await vi.advanceTimersByTimeAsync(250);
    expect(opened).toHaveLength(2);
    expect(newest().url.searchParams.get('last')).toBe('1000');
  });

  test.each(['no json', '{"id":"x"}', 'null'])('does not skip an invalid event: %s', async (data) => {
    const { sink, opened, newest } = stream();
    newest().emitOpen();
    newest().emitMessage(data);
    newest().emitMessage(message(3));
    expect(sink.links.at(-1)).toMatchObject({ kind: 'reconnecting', why: 'garbled' });
    expect(sink.ids).toEqual([]);
    await vi.advanceTimersByTimeAsync(250);
    expect(opened).toHaveLength(2);
  });

  test('waits longer after each stream whose first event is invalid', async () => {
    const { opened, newest } = stream();
    for (let streams = 1; streams <= 20; streams++) {
      await vi.advanceTimersByTimeAsync(5_000);
      expect(opened).toHaveLength(streams);
      newest().emitOpen();
      newest().emitMessage('no json');
    }
    await vi.advanceTimersByTimeAsync(2_000);
    expect(opened).toHaveLength(20);
  });

  test('stops at once, in a pause too', async () => {
    const { source, sink, opened, newest } = stream();
    newest().emitOpen();
    newest().emitClosed();
    source.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    opened[0]?.emitMessage(message(9));
    expect(opened).toHaveLength(1);
    expect(sink.ids).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('ends its pause on `reconnect`, and keeps an open stream', () => {
    const { source, opened, newest } = stream();
    newest().emitOpen();
    source.reconnect();
    expect(opened).toHaveLength(1);
    newest().emitClosed();
    source.reconnect();
    expect(opened).toHaveLength(2);
  });

  test('reports events and keep-alives, and when it has stalled', async () => {
    const { newest, received } = stream();
    newest().emitOpen();
    for (let i = 0; i < 5; i++) {
      await vi.advanceTimersByTimeAsync(40_000);
      newest().emitKeepAlive();
    }
    expect(received).toEqual({ events: 5, stalls: 0 });
    await vi.advanceTimersByTimeAsync(44_900);
    expect(received.stalls).toBe(0);
    await vi.advanceTimersByTimeAsync(200);
    expect(received.stalls).toBe(1);
  });

  test('reports a stream that never opens as stalled', async () => {
    const { received } = stream();
    await vi.advanceTimersByTimeAsync(45_100);
    expect(received).toEqual({ events: 0, stalls: 1 });
  });

  test('does not report an unreachable server as stalled', async () => {
    const { newest, received } = stream();
    newest().emitOpen();
    for (let i = 0; i < 100; i++) {
      newest().emitLost();
      await vi.advanceTimersByTimeAsync(1_000);
    }
    expect(received.stalls).toBe(0);
  });

  test('opens nothing while offline, and continues afterwards', async () => {
    const { source, connections: network, sink, opened, newest } = stream();
    newest().emitOpen();
    network.outage.abort();
    newest().emitClosed();
    expect(sink.links.at(-1)).toEqual({ kind: 'reconnecting', why: 'network', detail: null });
    await vi.advanceTimersByTimeAsync(4_000);
    expect(opened).toHaveLength(1);
    network.outage = new AbortController();
    source.reconnect();
    expect(opened).toHaveLength(2);
  });
});
