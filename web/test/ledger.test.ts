// The watch of a client's figures: why there are none, and when it asks again.

import { describe, expect, test, vi } from 'vitest';
import { ServerClock } from '../src/lab/clock.ts';
import { LedgerWatch } from '../src/lab/ledger.ts';
import { fakeFetch, fakeVisiblePage, json, limited, networkDown } from './support.ts';

function watch(...replies: Parameters<typeof fakeFetch>) {
  const { fetch, calls } = fakeFetch(...replies);
  vi.stubGlobal('fetch', fetch);
  const missing: (string | undefined)[] = [];
  const ledger = new LedgerWatch('me', new ServerClock(), (_figures, why) => missing.push(why));
  return { ledger, calls, missing };
}

fakeVisiblePage();

describe('the ledger watch', () => {
  test('tells a refusal from a server that is away, and from an invalid answer', async () => {
    for (const [reply, why] of [
      [() => limited(429, 1), 'refused'],
      [() => limited(503, 1), 'refused'],
      [networkDown, 'away'],
      [() => json(200, {}), 'unreadable'],
    ] as const) {
      const { ledger, missing } = watch(reply);
      ledger.start();
      await vi.advanceTimersByTimeAsync(0);
      ledger.end();
      expect(missing).toEqual([why]);
    }
  });

  test('waits as long as a refusal asks, also if it is started again', async () => {
    const { ledger, calls } = watch(() => limited(429, 10));
    ledger.start();
    await vi.advanceTimersByTimeAsync(5_000);
    ledger.pause();
    ledger.start();
    await vi.advanceTimersByTimeAsync(4_900);
    const early = calls.length;
    await vi.advanceTimersByTimeAsync(200);
    ledger.end();
    // A refused request may be repeated with credentials.
    expect(calls.length).toBe(2 * early);
  });
});
