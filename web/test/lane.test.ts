import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ServerClock } from '../src/lab/clock.ts';
import type { Query } from '../src/client/http.ts';
import type { Position } from '../src/client/ingest.ts';
import { Lane } from '../src/lab/lane.ts';
import type { CreateSource } from '../src/client/room-reader.ts';
import { NO_FIGURES, type WatchFigures } from '../src/lab/ledger.ts';
import type { RequestContext, Sink, Source } from '../src/client/sources/source.ts';
import type { Transport } from '../src/client/transport.ts';
import { Network } from '../src/lab/network.ts';
import { batch, fakeFetch, networkDown } from './support.ts';

afterEach(() => {
  vi.useRealTimers();
});

/** A lane with fake sources that the test controls. */
function lane() {
  const log: string[] = [];
  const sinks: Partial<Record<Transport, Sink>> = {};
  const positions: Partial<Record<Transport, () => Position>> = {};
  const readers: RequestContext[] = [];
  const createSource: CreateSource = (transport, { request, sink }): Source => {
    sinks[transport] = sink;
    readers.push(request);
    return {
      start: (position, slept) => {
        positions[transport] = position;
        log.push(`start ${transport} ${JSON.stringify(position())}${slept === true ? ' after a sleep' : ''}`);
      },
      stop: () => log.push(`stop ${transport}`),
      reconnect: () => log.push(`wake ${transport}`),
    };
  };
  const watch: WatchFigures = (client, _clock, show) => ({
    start: () => show({ ...NO_FIGURES, since: client }),
    pause: () => show(null),
    end: () => log.push(`end ${client}`),
  });
  const { fetch, calls: disconnects } = fakeFetch(networkDown);
  let labels = 0;
  const l = new Lane({
    room: 'lobby',
    clock: new ServerClock(),
    createSource,
    watch,
    network: new Network(45, fetch),
    label: () => `label-${++labels}`,
  });
  l.subscribe({
    messages: (seen, transport) => log.push(`${transport} ${seen.map(({ message }) => message.id).join()}`),
    gap: (reason) => log.push(`gap ${reason}`),
  });
  const query = (): Query => readers.at(-1)?.query?.() ?? {};
  return { lane: l, log, sinks, positions, readers, query, disconnects };
}

describe('a lane', () => {
  test('switches by stopping one source and starting another at the same cursor', () => {
    const { lane: l, log, sinks } = lane();
    l.use('poll');
    sinks.poll?.batch(batch([1, 2]));
    l.use('stream');
    sinks.stream?.batch(batch([2, 3]));
    l.use('long-poll');
    expect(log).toEqual([
      'start poll {"last":50}',
      'poll 1,2',
      'stop poll',
      'start stream {"cursor":"aaa-2"}',
      'stream 3',
      'stop stream',
      'start long-poll {"cursor":"aaa-3"}',
    ]);
  });

  test('does not restart its current transport', () => {
    const { lane: l, log } = lane();
    l.use('stream');
    l.use('stream');
    expect(log).toHaveLength(1);
  });

  test('remembers when it switches that an empty room was connected', () => {
    const { lane: l, log, sinks } = lane();
    l.use('stream');
    sinks.stream?.link({ kind: 'live' });
    l.use('poll');
    expect(log.at(-1)).toBe('start poll {"last":1000}');
  });

  test('sends added parameters until they are removed', () => {
    const { lane: l, query } = lane();
    l.use('stream');
    l.setParameters({ trace: 1, fault: 'cut' });
    expect(query()).toMatchObject({ trace: 1, fault: 'cut' });
    l.setParameters({ fault: null });
    expect(query()).toMatchObject({ trace: 1, fault: null });
    l.use('poll');
    l.setInterval(0.5);
    expect(query()).toMatchObject({ interval: 0.5, trace: 1, fault: null });
  });

  test('asks for a new connection only where the server can give one', () => {
    const { lane: l, query } = lane();
    l.setParameters({ connection: 'close' });
    l.use('poll');
    expect(query()).toMatchObject({ connection: 'close' });
    l.use('stream');
    expect(query()).toMatchObject({ connection: null });
    l.network.setOrigin({ version: 'h2', base: 'https://localhost:8443/' });
    l.use('long-poll');
    expect(query()).toMatchObject({ connection: null });
    expect(l.connection).toBe('close');
  });

  test('continues as another client at the same cursor', () => {
    const { lane: l, log, sinks, readers } = lane();
    const labels: string[] = [];
    l.subscribe({ client: (label) => labels.push(label) });
    l.use('poll');
    sinks.poll?.batch(batch([4]));
    l.resetClient();
    expect(log.slice(-3)).toEqual(['end label-1', 'stop poll', 'start poll {"cursor":"aaa-4"}']);
    expect(labels).toEqual(['label-2']);
    expect(readers.map(({ client }) => client)).toEqual(['label-1', 'label-2']);
    expect(l.client).toBe('label-2');
  });

  test('continues at the same cursor after a stop', () => {
    const { lane: l, log, sinks } = lane();
    l.use('poll');
    sinks.poll?.batch(batch([4]));
    l.stop();
    l.restart();
    expect(l.transport).toBeNull();
    l.use('poll');
    expect(log.slice(-2)).toEqual(['stop poll', 'start poll {"cursor":"aaa-4"}']);
  });

  test('reports figures while it is connected, and null while it is not', () => {
    const { lane: l, sinks } = lane();
    const received: (string | null)[] = [];
    l.subscribe({ stats: (figures) => received.push(figures?.since ?? null) });
    l.use('stream');
    sinks.stream?.link({ kind: 'live' });
    sinks.stream?.link({ kind: 'reconnecting', why: 'network', detail: null });
    expect(received).toEqual(['label-1', null]);
  });

  test('reports delays of its own messages, whichever of response and arrival comes first', () => {
    vi.useFakeTimers();
    const { lane: l, sinks } = lane();
    const received: string[] = [];
    const round = (ms: number) => Math.round(ms);
    l.subscribe({
      own: (cursor, { ms, uncertainty_ms }) => received.push(`${cursor} ${round(ms)} ${uncertainty_ms}`),
      messages: (seen) =>
        received.push(
          ...seen.map(
            ({ message, delay, own }) =>
              `${message.cursor} seen ${round(delay?.ms ?? -1)}${own ? ', own' : ''}`,
          ),
        ),
      expected: (messages) => received.push(`awaited ${messages}`),
    });
    l.use('poll');
    l.recordSent('aaa-1', performance.now() - 20);
    sinks.poll?.batch(batch([1, 2]));
    l.recordSent('aaa-2', performance.now() - 40);
    expect(received).toEqual([
      'awaited 0',
      'awaited 1',
      'aaa-1 seen 20, own',
      'aaa-2 seen -1',
      'awaited 0',
      'aaa-2 40 0',
      'awaited 0',
    ]);
  });

  test('calls no listener that has unsubscribed', () => {
    const { lane: l, sinks } = lane();
    let received = 0;
    const end = l.subscribe({ messages: () => (received += 1) });
    l.use('poll');
    sinks.poll?.batch(batch([1]));
    end();
    sinks.poll?.batch(batch([2]));
    expect(received).toBe(1);
  });
});

describe('a lane and its network', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });

  test('restarts when a lasting fault begins and ends', () => {
    const { lane: l, log, sinks, query } = lane();
    l.use('stream');
    sinks.stream?.batch(batch([1]));
    log.length = 0;
    l.network.setFault('slow');
    expect(query()).toMatchObject({ fault: 'slow' });
    l.network.setFault('healthy');
    expect(query()).toMatchObject({ fault: null });
    const once = ['stop stream', 'start stream {"cursor":"aaa-1"}'];
    expect(log).toEqual([...once, ...once]);
  });

  test('has its connections closed by a restart, and lets them reconnect by themselves', async () => {
    const { lane: l, log, disconnects } = lane();
    l.use('long-poll');
    log.length = 0;
    l.network.setFault('restart');
    expect(disconnects.map(({ url }) => url.searchParams.get('fault'))).toEqual(['restart']);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(l.network.fault).toBe('healthy');
    expect(log).toEqual([]);
    expect(disconnects).toHaveLength(1);
  });

  test('waits for a connection before a restart that follows a lasting fault', () => {
    const { lane: l, sinks, disconnects } = lane();
    l.use('stream');
    l.network.setFault('buffer');
    l.network.setFault('restart');
    expect(disconnects).toEqual([]);
    sinks.stream?.link({ kind: 'live' });
    sinks.stream?.link({ kind: 'live' });
    expect(disconnects).toHaveLength(1);
  });

  test('reopens its stream for another stall time-out', () => {
    const { lane: l, log } = lane();
    l.use('stream');
    l.network.setStallTimeout(2);
    expect(log).toHaveLength(3);
    l.use('long-poll');
    log.length = 0;
    l.network.setStallTimeout(3);
    l.network.setStallTimeout(0.5);
    expect(log).toEqual([]);
    expect(l.network.stallTimeout_ms).toBe(3_000);
  });

  test('closes its connection while the page is cached, and starts as after a sleep', () => {
    const { lane: l, log, sinks } = lane();
    l.use('stream');
    sinks.stream?.batch(batch([1]));
    log.length = 0;
    l.suspend();
    l.resume();
    expect(log).toEqual(['stop stream', 'start stream {"cursor":"aaa-1"} after a sleep']);
  });
});
