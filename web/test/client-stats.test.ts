// The statistics of a client: what they keep when the server begins to count again.

import { describe, expect, test } from 'vitest';
import { ClientStats } from '../src/lab/client-stats.ts';
import { ServerClock } from '../src/lab/clock.ts';
import { NO_COST, NO_FIGURES, type ShowFigures } from '../src/lab/ledger.ts';

function stats() {
  let show: ShowFigures = () => {};
  const client = new ClientStats(
    'me',
    new ServerClock(),
    (_client, _clock, tell) => {
      show = tell;
      return { start: () => {}, pause: () => {}, end: () => {} };
    },
    () => {},
  );
  client.setTransport('poll', true);
  return {
    client,
    report(since: string | null, requests: number, wire_bytes: number) {
      const poll = { ...NO_COST, requests, wire_bytes };
      show({ ...NO_FIGURES, since, costs: { ...NO_FIGURES.costs, poll } });
    },
    read: (body_bytes: number) => client.recordBody({ body_bytes, presence_bytes: 0 }, 'poll'),
    get bodyBytes() {
      return client.current.costs.poll.body_bytes;
    },
  };
}

describe('the bodies of answers', () => {
  test('from before a restart of the server are not part of its figures', () => {
    const all = stats();
    all.read(5_000);
    all.report('2026-01-01T00:00:00Z', 9, 9_000);
    expect(all.bodyBytes).toBe(5_000);
    all.read(100);
    all.report('2026-01-01T00:09:00Z', 9, 1_000);
    expect(all.bodyBytes).toBe(100);
    all.read(50);
    all.report('2026-01-01T00:09:00Z', 10, 1_200);
    expect(all.bodyBytes).toBe(150);
  });

  test('are forgotten too if the server has forgotten the client', () => {
    const all = stats();
    all.read(5_000);
    all.report('2026-01-01T00:00:00Z', 9, 9_000);
    all.report('2026-01-01T00:00:00Z', 1, 300);
    expect(all.bodyBytes).toBe(0);
  });
});
