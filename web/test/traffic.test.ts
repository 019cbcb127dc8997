import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Draft, PublishResult } from '../src/lab/publish.ts';
import { BURST_SIZE, LIMITS, Traffic } from '../src/lab/traffic.ts';
import { message } from './support.ts';

/** A seeded generator of pseudo-random numbers. */
function seeded(): () => number {
  let state = 1;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

function traffic(
  answer: (draft: Draft) => Promise<PublishResult>,
  random: () => number = () => 1 - Math.exp(-1),
) {
  const sent: { text: string; author: string; at_ms: number }[] = [];
  const received = { ended: [] as string[], published: 0, most_in_flight: 0 };
  let in_flight = 0;
  const source = new Traffic(
    {
      room: 'tea',
      author: 'traffic',
      text: (pattern, number) => `${pattern} ${number}`,
      random,
      send: async (draft) => {
        sent.push({ text: draft.text, author: draft.author, at_ms: Math.round(performance.now()) });
        received.most_in_flight = Math.max(received.most_in_flight, ++in_flight);
        const result = await answer(draft);
        in_flight -= 1;
        return result;
      },
    },
    {
      progress: () => {},
      published: () => (received.published += 1),
      ended: ({ kind }, { published, failed }) => received.ended.push(`${kind} ${published} ${failed}`),
    },
  );
  const start_ms = Math.round(performance.now());
  return { source, sent, received, times: () => sent.map(({ at_ms }) => at_ms - start_ms) };
}

const after = (ms: number) => async (): Promise<PublishResult> => {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return { ok: true, message: message(1) };
};
const fails = (why: 'network' | 'refused') => async (): Promise<PublishResult> => ({
  ok: false,
  why,
  detail: null,
  retryAfter_s: 0,
});

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe('traffic', () => {
  test('of a steady rate has that rate until it is stopped', async () => {
    const { source, sent, received, times } = traffic(after(5), seeded());
    source.setRate(4);
    source.start('steady');
    await vi.advanceTimersByTimeAsync(100_000);
    const periods = times().map((ms) => Math.floor(ms / 250));
    expect(periods.slice(0, 400)).toEqual(Array.from({ length: 400 }, (_, index) => index));
    expect(sent[1]).toMatchObject({ text: 'steady 2', author: 'traffic' });
    source.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(received.ended).toEqual([`stopped ${sent.length} 0`]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('of a steady rate is not in phase with polls of the same period', async () => {
    const { source, times } = traffic(after(5), seeded());
    source.setRate(0.2);
    source.start('steady');
    await vi.advanceTimersByTimeAsync(10 * 60_000);
    // How long each message waits for the next poll, with polls every 5 s at some phase.
    const waits_s = times().map((ms) => 5 - ((ms / 1_000 + 1.7) % 5));
    const mean_s = waits_s.reduce((sum, wait) => sum + wait, 0) / waits_s.length;
    expect(mean_s).toBeGreaterThan(2.2);
    expect(mean_s).toBeLessThan(2.8);
    expect(Math.max(...waits_s) - Math.min(...waits_s)).toBeGreaterThan(4);
  });

  test('applies another rate at once', async () => {
    const { source, times } = traffic(after(1));
    source.setRate(0.1);
    source.start('steady');
    await vi.advanceTimersByTimeAsync(1_000);
    source.setRate(2);
    await vi.advanceTimersByTimeAsync(1_001);
    expect(times()).toEqual([0, 1_317, 1_817]);
  });

  test('limits its rate', async () => {
    const { source, sent } = traffic(after(0));
    source.setRate(1e9);
    source.start('steady');
    await vi.advanceTimersByTimeAsync(995);
    expect(sent).toHaveLength(50);
  });

  test('of a burst has 200 messages, with at most two in flight', async () => {
    const { source, sent, received } = traffic(after(3));
    source.start('burst');
    await vi.advanceTimersByTimeAsync(2_000);
    expect(sent).toHaveLength(BURST_SIZE);
    expect(sent.at(-1)?.text).toBe('burst 200');
    expect(received).toMatchObject({ ended: ['done 200 0'], published: 200, most_in_flight: 2 });
    expect(source.pattern).toBeNull();
  });

  test('of a chatty room has random gaps', async () => {
    const { source, times } = traffic(after(1));
    source.start('chatty');
    await vi.advanceTimersByTimeAsync(3_010);
    // With this random number every gap is the mean.
    expect(times()).toEqual([0, 1_500, 3_000]);
  });

  test('has one pattern at a time', async () => {
    const { source, sent, received } = traffic(after(1));
    source.setRate(1);
    source.start('steady');
    await vi.advanceTimersByTimeAsync(10);
    source.start('chatty');
    await vi.advanceTimersByTimeAsync(100);
    expect(received.ended).toEqual(['stopped 1 0']);
    expect(sent.map(({ text }) => text)).toEqual(['steady 1', 'chatty 1']);
  });

  test('does not pile up if the server is slow', async () => {
    const { source, sent, received } = traffic(after(10_000));
    source.setRate(50);
    source.start('steady');
    await vi.advanceTimersByTimeAsync(30_500);
    expect(sent).toHaveLength(8);
    expect(received.most_in_flight).toBe(2);
  });

  test('stops at its time limit', async () => {
    const { source, sent, received } = traffic(after(0));
    source.setRate(0.1);
    source.start('steady');
    await vi.advanceTimersByTimeAsync((LIMITS.minutes + 1) * 60_000);
    expect(received.ended).toEqual([`limit ${LIMITS.minutes * 6} 0`]);
    expect(sent).toHaveLength(LIMITS.minutes * 6);
  });

  test('stops at its message limit', async () => {
    const { source, sent, received } = traffic(after(0));
    source.setRate(50);
    source.start('steady');
    await vi.advanceTimersByTimeAsync(LIMITS.minutes * 60_000);
    expect(received.ended).toEqual([`limit ${LIMITS.messages} 0`]);
    expect(sent).toHaveLength(LIMITS.messages);
  });

  test('stops at once after a refusal, and after three failures in a row', async () => {
    const refused = traffic(fails('refused'));
    refused.source.start('steady');
    await vi.advanceTimersByTimeAsync(10_000);
    expect(refused.received.ended).toEqual(['failed 0 1']);

    const lost = traffic(fails('network'));
    lost.source.start('steady');
    await vi.advanceTimersByTimeAsync(10_000);
    expect(lost.received.ended).toEqual(['failed 0 3']);
  });
});
