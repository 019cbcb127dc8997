// The acts of the tour's steps: which figures they wait for, and what they say if nothing can be posted.

import { describe, expect, test } from 'vitest';
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
    view: { element: { getAttribute: () => lane.transport } },
  }));
  const posted = () => Promise.resolve(failure);
  const all = { lanes: () => shown, view: 'both', choose() {}, tabs: {}, post: posted, burst: posted };
  return { stage: all as unknown as TourStage, lanes, signal: new AbortController().signal };
}

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

  test('watches until there are figures, if no lane polls', async () => {
    const { stage: all, lanes, signal } = stage(['long-poll', 'stream']);
    const outcome = ACTS.watch(all, signal);
    lanes.forEach((lane) => lane.count(0, 2));
    expect(await outcome).toMatch(/^long-poll: 2 requests, none for nothing/);
  });

  test('says why nothing was posted', async () => {
    const { stage: all, signal } = stage(['poll', 'stream'], 'Not posted: too many messages.');
    expect(await ACTS.post(all, signal)).toBe('Not posted: too many messages.');
    expect(await ACTS.burst(all, signal)).toBe('Not posted: too many messages.');
  });
});
