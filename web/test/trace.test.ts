import { describe, expect, test, vi } from 'vitest';
import { ServerClock } from '../src/lab/clock.ts';
import { parseTrace, TraceWatch, type TraceListener } from '../src/lab/trace.ts';
import { fakeFetch, fakeVisiblePage, json, limited, networkDown, problem } from './support.ts';

function event(seq: number, at_us = 1_000_000 * seq) {
  return {
    seq,
    at_us,
    connection: 1,
    kind: 'push',
    transport: 'stream',
    bytes_in: 0,
    bytes_out: 10,
    messages: 1,
    status: null,
    content: 'messages',
  };
}

function answer(events: object[], seq: number, lost = 0): Response {
  return json(200, { client: 'me', now_us: 1_000_000 * seq, seq, lost, events });
}

function watch(...replies: Parameters<typeof fakeFetch>) {
  const received: string[] = [];
  const listener: TraceListener = {
    events: (events) => received.push(events.map(({ seq }) => seq).join()),
    lost: (count) => received.push(`lost ${count}`),
    restarted: () => received.push('restarted'),
    refused: (isRefused) => received.push(`refused ${isRefused}`),
  };
  const { fetch, calls } = fakeFetch(...replies);
  const trace = new TraceWatch('me', new ServerClock(), listener, fetch);
  const after = () => calls.map(({ url }) => Number(url.searchParams.get('after')));
  return { trace, received, calls, after };
}

fakeVisiblePage();

describe('the trace watch', () => {
  test('waits as long as a refusal asks', async () => {
    const { trace, calls } = watch(() => limited(429, 10));
    trace.start();
    await vi.advanceTimersByTimeAsync(9_900);
    expect(calls).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(200);
    expect(calls).toHaveLength(2);
  });

  test('reports that the server refuses the trace, and that it gives it again', async () => {
    const { trace, received } = watch(
      () => limited(429, 1),
      () => limited(429, 1),
      () => answer([event(1)], 1),
    );
    trace.start();
    await vi.advanceTimersByTimeAsync(3_000);
    trace.end();
    expect(received).toEqual(['refused true', '1', 'refused false']);
  });

  test('reports nothing of an answer that comes after its end', async () => {
    let respond = () => {};
    const { trace, received } = watch(
      () => new Promise<Response>((resolve) => (respond = () => resolve(answer([event(1)], 1)))),
    );
    trace.start();
    await vi.advanceTimersByTimeAsync(10);
    trace.end();
    respond();
    await vi.advanceTimersByTimeAsync(10);
    expect(received).toEqual([]);
  });

  test('continues after the last event, and reports each event once', async () => {
    const { trace, received, after } = watch(
      () => answer([event(1), event(2)], 2),
      () => answer([event(2)], 2),
      () => answer([event(2), event(3)], 3),
    );
    trace.start();
    await vi.advanceTimersByTimeAsync(1_100);
    expect(received).toEqual(['1,2', '3']);
    expect(after()).toEqual([0, 1, 1]);
    trace.pause();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(after()).toHaveLength(3);
  });

  test('reports how many events were lost', async () => {
    const { trace, received } = watch(
      () => answer([event(1)], 1),
      () => answer([event(9), event(10)], 10, 8),
    );
    trace.start();
    await vi.advanceTimersByTimeAsync(600);
    expect(received).toEqual(['1', 'lost 7', '9,10']);
  });

  test.each([
    ['whose count is lower', () => answer([], 2), () => answer([event(1, 7), event(2, 8)], 2)],
    [
      'whose count is higher',
      () => answer([event(5, 7), event(6, 8)], 6),
      () => answer([event(1, 3), event(2, 4)], 6),
    ],
  ])('detects a restarted server %s', async (_, first, second) => {
    const { trace, received, after } = watch(() => answer([event(5)], 5), first, second);
    trace.start();
    await vi.advanceTimersByTimeAsync(600);
    expect(received).toEqual(['5', 'restarted', '1,2']);
    expect(after()).toEqual([0, 4, 0]);
  });

  test('continues after failures and invalid responses', async () => {
    const { trace, received } = watch(
      () => problem(404, 'never seen'),
      networkDown,
      () => json(200, { events: 'none' }),
      () => answer([event(1)], 1),
    );
    trace.start();
    await vi.advanceTimersByTimeAsync(2_000);
    expect(received[0]).toBe('1');
  });
});

describe('a trace response', () => {
  test('has times in milliseconds, and omits unknown kinds', () => {
    const parsed = parseTrace({
      now_us: 2_500,
      seq: 2,
      lost: 0,
      events: [{ ...event(1, 1_500) }, { ...event(2), kind: 'sighed' }],
    });
    expect(parsed.now_ms).toBe(2.5);
    expect(parsed.events).toHaveLength(1);
    expect(parsed.events[0]).toMatchObject({ at_ms: 1.5, content: 'messages', transport: 'stream' });
  });
});
