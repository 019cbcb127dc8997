import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ConnectionSlots, MAX_SLOTS } from '../src/client/connection-slots.ts';
import { SlotLimitedSource } from '../src/client/sources/slot-limited-source.ts';
import { Polling } from '../src/client/sources/polling.ts';
import type { Source } from '../src/client/sources/source.ts';
import { FakeLocks, FakeNetwork, refusingLocks, silentLocks, throwingLocks } from './browser-support.ts';
import { fakeFetch, pollAnswer, RecordingSink } from './support.ts';

const settle = () => vi.advanceTimersByTimeAsync(1);

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe('connection slots', () => {
  test('are limited across all tabs', async () => {
    const { manager } = new FakeLocks();
    const tabs = Array.from({ length: MAX_SLOTS + 2 }, () => new ConnectionSlots(manager));
    const slotsTaken = [];
    for (const tab of tabs) slotsTaken.push(await tab.take());
    expect(slotsTaken.map((slot) => slot !== null)).toEqual([true, true, true, true, false, false]);
    slotsTaken[1]?.release();
    await settle();
    expect(await tabs[5]?.take()).not.toBeNull();
  });

  test('are granted to a waiting source when one becomes free, and only one slot', async () => {
    const locks = new FakeLocks();
    const slots = new ConnectionSlots(locks.manager);
    const slotsTaken = [];
    for (let i = 0; i < MAX_SLOTS; i++) slotsTaken.push(await slots.take());
    const waiting = slots.wait(new AbortController().signal);
    await settle();
    slotsTaken[0]?.release();
    slotsTaken[3]?.release();
    await waiting;
    await settle();
    expect(locks.names).toHaveLength(MAX_SLOTS - 1);
    expect((await locks.query()).pending).toEqual([]);
  });

  test('are no longer waited for after an abort', async () => {
    const locks = new FakeLocks();
    const slots = new ConnectionSlots(locks.manager);
    for (let i = 0; i < MAX_SLOTS; i++) await slots.take();
    const given = new AbortController();
    const waiting = slots.wait(given.signal);
    await settle();
    given.abort();
    await expect(waiting).rejects.toThrow();
    expect((await locks.query()).pending).toEqual([]);
  });

  test.each([
    ['rejects', refusingLocks],
    ['throws', throwingLocks],
    ['never answers', silentLocks],
  ])('are unlimited if the browser has locks and %s', async (_, locks) => {
    const slots = new ConnectionSlots(locks);
    const taken = Array.from({ length: MAX_SLOTS + 1 }, () => slots.take());
    await vi.advanceTimersByTimeAsync(5_000);
    for (const slot of await Promise.all(taken)) expect(slot).not.toBeNull();
  });

  test('are unlimited if the browser refuses while a source waits', async () => {
    const slots = new ConnectionSlots(refusingLocks);
    expect(await slots.wait(new AbortController().signal)).not.toBeNull();
  });

  test('are unlimited without locks', async () => {
    const slots = new ConnectionSlots(null);
    for (let i = 0; i < 20; i++) expect(await slots.take()).not.toBeNull();
  });
});

describe('a source that holds a connection', () => {
  function createLimitedSource(locks: FakeLocks) {
    const sink = new RecordingSink();
    const { fetch, calls } = fakeFetch(() => pollAnswer([], { cursor: 'aaa-1' }));
    const log: string[] = [];
    const source: Source = {
      start: () => log.push('start'),
      stop: () => log.push('stop'),
      reconnect: () => log.push('wake'),
    };
    const network = new FakeNetwork(fetch);
    const reader = { room: 'lobby', client: 'me' };
    const p = new SlotLimitedSource({
      sink,
      slots: new ConnectionSlots(locks.manager),
      source,
      createPolls: (to) =>
        new Polling({ ...reader, connections: network, sink: to, interval_ms: () => 1_000, wait_s: 0 }),
    });
    return { source: p, sink, calls, log };
  }

  test('takes a slot and releases it', async () => {
    const locks = new FakeLocks();
    const { source, log, calls } = createLimitedSource(locks);
    source.start(() => ({ last: 0 }));
    await settle();
    expect(log).toEqual(['start']);
    expect(locks.names).toHaveLength(1);
    source.stop();
    await settle();
    expect(log).toEqual(['start', 'stop']);
    expect(locks.names).toEqual([]);
    expect(calls).toEqual([]);
  });

  test('polls without a slot, says why, and starts when a slot becomes free', async () => {
    const locks = new FakeLocks();
    const others = new ConnectionSlots(locks.manager);
    const slotsTaken = [];
    for (let i = 0; i < MAX_SLOTS; i++) slotsTaken.push(await others.take());
    const { source, sink, log, calls } = createLimitedSource(locks);
    source.start(() => ({ last: 0 }));
    await vi.advanceTimersByTimeAsync(2_500);
    expect(log).toEqual([]);
    expect(calls).toHaveLength(3);
    expect(sink.links.at(-1)).toEqual({ kind: 'live', fallback: { why: 'crowded' } });
    slotsTaken[2]?.release();
    await vi.advanceTimersByTimeAsync(2_500);
    expect(log).toEqual(['start']);
    expect(calls).toHaveLength(3);
  });

  test('leaves nothing behind if it is stopped while it waits', async () => {
    const locks = new FakeLocks();
    const others = new ConnectionSlots(locks.manager);
    for (let i = 0; i < MAX_SLOTS; i++) await others.take();
    const { source, log } = createLimitedSource(locks);
    source.start(() => ({ last: 0 }));
    await settle();
    source.stop();
    await settle();
    expect(log).toEqual([]);
    expect((await locks.query()).pending).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
