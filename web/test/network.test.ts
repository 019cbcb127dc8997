import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Network } from '../src/lab/network.ts';
import { Polling } from '../src/client/sources/polling.ts';
import { Stream } from '../src/client/sources/stream.ts';
import { FakeEventSource } from './browser-support.ts';
import { fakeFetch, hang, networkDown, pollAnswer, RecordingSink } from './support.ts';

function network(...replies: Parameters<typeof fakeFetch>) {
  const { fetch, calls } = fakeFetch(...replies);
  const opened: FakeEventSource[] = [];
  const open = (address: string) => {
    const events = new FakeEventSource(address);
    opened.push(events);
    return events as unknown as EventSource;
  };
  const n = new Network(45, fetch, open);
  const faults: string[] = [];
  n.subscribe({
    fault: (fault, until_ms) => faults.push(until_ms === null ? fault : `${fault} for a while`),
  });
  return { network: n, calls, opened, faults };
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe('a lane’s network', () => {
  test('requests the chosen fault, and none if it is healthy', () => {
    const { network: n } = network();
    expect(n.query('poll')).toEqual({ fault: null, fault_key: null });
    expect(n.query('stream')['fault_key']).toMatch(/^[a-z0-9]{8}$/);
    n.setFault('slow');
    for (const transport of ['poll', 'long-poll', 'stream'] as const) {
      expect(n.query(transport)['fault']).toBe('slow');
    }
    n.setFault('healthy');
    expect(n.query('stream')['fault']).toBeNull();
  });

  test('keeps a lasting fault, and ends a temporary one by itself', async () => {
    const { network: n, faults } = network(networkDown);
    n.setFault('cut');
    await vi.advanceTimersByTimeAsync(60_000);
    n.setFault('offline');
    await vi.advanceTimersByTimeAsync(4_900);
    expect(n.fault).toBe('offline');
    await vi.advanceTimersByTimeAsync(200);
    n.setFault('restart');
    await vi.advanceTimersByTimeAsync(3_100);
    expect(faults).toEqual(['cut', 'offline for a while', 'healthy', 'restart for a while', 'healthy']);
  });

  test('offline aborts open requests, refuses new ones, and ends by itself', async () => {
    const { network: n, opened } = network(hang, () => pollAnswer([1]));
    const polled = new RecordingSink();
    const streamed = new RecordingSink();
    const reader = { room: 'lobby', client: 'me', connections: n };
    const polls = new Polling({ ...reader, sink: polled, wait_s: 0, interval_ms: () => 1_000 });
    const stream = new Stream({ ...reader, sink: streamed });
    polls.start(() => ({ last: 0 }));
    stream.start(() => ({ cursor: 'aaa-0' }));
    opened[0]?.emitOpen();
    n.setFault('offline');
    await vi.advanceTimersByTimeAsync(4_000);
    for (const sink of [polled, streamed]) {
      expect(sink.links.at(-1)).toEqual({ kind: 'reconnecting', why: 'network', detail: null });
    }
    expect(opened).toHaveLength(1);
    expect(opened[0]?.readyState).toBe(2);
    expect(polled.batches).toEqual([]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(polled.ids[0]).toBe(1);
    expect(opened).toHaveLength(2);
  });

  test('a restart loses only the next poll', () => {
    const { network: n } = network();
    n.setFault('restart');
    expect(n.query('stream')['fault']).toBeNull();
    expect(n.query('poll')).toMatchObject({ fault: 'restart' });
    expect(n.query('poll')['fault']).toBeNull();
  });

  test('requests to close its connections without a client label', async () => {
    const { network: n, calls } = network(networkDown);
    await n.disconnect('lobby');
    expect(Object.fromEntries(calls[0]?.url.searchParams ?? [])).toEqual({
      room: 'lobby',
      fault: 'restart',
      fault_key: n.query('stream')['fault_key'],
    });
  });

  test('returns to its fault after an interruption', async () => {
    const { network: n, faults } = network(networkDown);
    n.setFault('buffer');
    n.interrupt('offline');
    await vi.advanceTimersByTimeAsync(2_000);
    n.interrupt('offline');
    await vi.advanceTimersByTimeAsync(5_000);
    // It does not become healthy, so it does not say when.
    expect(faults).toEqual(['buffer', 'offline', 'offline', 'buffer']);
    n.setFault('healthy');
    n.interrupt('offline');
    await vi.advanceTimersByTimeAsync(5_000);
    expect(faults.slice(-2)).toEqual(['offline for a while', 'healthy']);
  });

  test('is not shareable with a fault', () => {
    const { network: n } = network(networkDown);
    const shareable = (['healthy', 'restart', 'buffer', 'cut', 'slow', 'offline'] as const).map((fault) => {
      n.setFault(fault);
      return n.isShareable;
    });
    expect(shareable).toEqual([true, true, false, false, false, false]);
  });
});
