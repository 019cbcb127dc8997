// The acts of the tour's steps: which figures they wait for, and what they say if nothing can be posted.

import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Lane } from '../src/lab/lane.ts';
import type { LaneListener } from '../src/lab/listeners.ts';
import { NO_COST } from '../src/lab/ledger.ts';
import { ACTS, type TourStage } from '../src/views/tour-acts.ts';

/** A lane whose figures the test sets. */
class FakeLane {
  readonly transport: string;
  readonly stats = { since: null as string | null, chosenTransport: { cost: NO_COST } };
  readonly #listeners = new Set<LaneListener>();

  constructor(transport: string) {
    this.transport = transport;
  }

  subscribe(listener: LaneListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  count(messages: number, requests: number): void {
    this.stats.since = '2026-01-01T00:00:00Z';
    this.stats.chosenTransport.cost = { ...NO_COST, messages, requests };
    for (const listener of this.#listeners) listener.stats?.(null, 0, null);
  }
}

function stage(transports: string[], failure: string | null = null) {
  const lanes = transports.map((transport) => new FakeLane(transport));
  const shown: unknown = lanes.map((lane) => ({
    lane: lane as unknown as Lane,
    transport: lane.transport,
    view: { element: { getAttribute: () => lane.transport } },
  }));
  const posted = () => Promise.resolve(failure);
  const all = { lanes: () => shown, view: 'both', choose() {}, tabs: {}, post: posted, burst: posted };
  return { stage: all as unknown as TourStage, lanes, signal: new AbortController().signal };
}

afterEach(() => void vi.useRealTimers());

describe('the tour', () => {
  test('waits for the whole burst, even if no lane polls', async () => {
    const { stage: all, lanes, signal } = stage(['long-poll', 'stream']);
    const outcome = ACTS.burst(all, signal);
    lanes.forEach((lane) => lane.count(24, 3));
    lanes.forEach((lane) => lane.count(200, 14));
    expect(await outcome).toBe(
      'long-poll: 200 messages with 14 requests; stream: 200 messages with 14 requests.',
    );
  });

  test('watches until the polling lane has polled three times, also if it had not started', async () => {
    const { stage: all, lanes, signal } = stage(['poll', 'stream']);
    const [polling, streaming] = lanes as [FakeLane, FakeLane];
    const reports: string[] = [];
    const outcome = ACTS.watch(all, signal, (soFar) => reports.push(soFar));
    streaming.count(0, 0);
    for (let polls = 1; polls <= 4; polls++) {
      polling.count(0, polls);
      streaming.count(0, 0);
    }
    expect(await outcome).toBe('poll: 4 requests, none for nothing; stream: 0 requests.');
    expect(reports).toContain('poll: 1 request, none for nothing; stream: 0 requests.');
  });

  test.each([
    ['no lane polls', ['long-poll', 'stream']],
    ['the interval is long', ['poll', 'stream']],
  ])('watches for ten seconds at most if %s', async (_why, transports) => {
    vi.useFakeTimers();
    const { stage: all, lanes, signal } = stage(transports);
    const outcome = ACTS.watch(all, signal, () => {});
    lanes[0]?.count(0, 2);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await outcome).toBe(`${transports[0]}: 2 requests, none for nothing; stream: 0 requests.`);
  });

  test('says why nothing was posted', async () => {
    const { stage: all, signal } = stage(['poll', 'stream'], 'Not posted: too many messages.');
    expect(await ACTS.post(all, signal)).toBe('Not posted: too many messages.');
    expect(await ACTS.burst(all, signal)).toBe('Not posted: too many messages.');
  });
});
