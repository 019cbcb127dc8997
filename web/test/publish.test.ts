import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Outbox, type OutboxListener } from '../src/lab/outbox.ts';
import { publish, type Draft, type PublishResult } from '../src/lab/publish.ts';
import { fakeFetch, hang, json, message, networkDown, problem } from './support.ts';

const draft: Draft = { room: 'lobby', author: 'mina', text: 'hello' };

const header = (call: { init: RequestInit } | undefined, name: string) =>
  new Headers(call?.init.headers).get(name);

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe('publishing', () => {
  test('posts the draft as JSON with its key', async () => {
    const { fetch, calls } = fakeFetch(() => json(201, message(1)));
    expect(await publish(draft, 'key-1', fetch)).toEqual({ ok: true, message: message(1) });
    expect(calls[0]?.url.pathname).toBe('/messages');
    expect(calls[0]?.init.method).toBe('POST');
    expect(JSON.parse(String(calls[0]?.init.body))).toEqual(draft);
    expect(header(calls[0], 'idempotency-key')).toBe('key-1');
  });

  test('retries once with the same key after a network failure', async () => {
    const { fetch, calls } = fakeFetch(networkDown, () => json(200, message(1)));
    const result = publish(draft, 'key-1', fetch);
    await vi.runAllTimersAsync();
    expect(await result).toEqual({ ok: true, message: message(1) });
    expect(calls.map((call) => header(call, 'idempotency-key'))).toEqual(['key-1', 'key-1']);
  });

  test('retries once after a time-out', async () => {
    const { fetch, calls } = fakeFetch(hang, () => json(201, message(1)));
    const result = publish(draft, 'key-1', fetch);
    await vi.runAllTimersAsync();
    expect((await result).ok).toBe(true);
    expect(calls).toHaveLength(2);
  });

  test('does not retry twice', async () => {
    const { fetch, calls } = fakeFetch(networkDown);
    const result = publish(draft, 'key-1', fetch);
    await vi.runAllTimersAsync();
    expect(await result).toEqual({ ok: false, why: 'network', detail: null, retryAfter_s: 0 });
    expect(calls).toHaveLength(2);
  });

  test('does not retry a refusal, and returns its detail', async () => {
    const { fetch, calls } = fakeFetch(() => problem(422, 'author is too long'));
    expect(await publish(draft, 'key-1', fetch)).toEqual({
      ok: false,
      why: 'refused',
      detail: 'author is too long',
      retryAfter_s: 0,
    });
    expect(calls).toHaveLength(1);
  });

  test.each([
    [401, 'unauthorized'],
    [403, 'forbidden'],
    [429, 'limited'],
    [503, 'away'],
  ] as const)('distinguishes the refusal %i, and says how long to wait', async (status, why) => {
    const { fetch } = fakeFetch(
      () => new Response('{"detail": "a flag"}', { status, headers: { 'Retry-After': '7' } }),
    );
    expect(await publish(draft, 'key-1', fetch)).toEqual({
      ok: false,
      why,
      detail: 'a flag',
      retryAfter_s: 7,
    });
  });

  test('accepts a refusal without problem+json', async () => {
    const { fetch } = fakeFetch(() => new Response('<html>', { status: 502 }));
    expect(await publish(draft, 'key-1', fetch)).toEqual({
      ok: false,
      why: 'refused',
      detail: null,
      retryAfter_s: 0,
    });
  });
});

interface Sent {
  draft: Draft;
  key: string;
  answer: (published: PublishResult) => void;
}

function outbox() {
  const sent: Sent[] = [];
  const received = { sending: [] as number[], published: [] as [string, number][], failed: [] as string[][] };
  const listener: OutboxListener = {
    sending: (messages) => received.sending.push(messages),
    published: ({ cursor }, sent_ms) =>
      received.published.push([cursor, Math.round(performance.now() - sent_ms)]),
    failed: (texts) => received.failed.push(texts),
  };
  const box = new Outbox(
    listener,
    (draft, key) => new Promise((answer) => sent.push({ draft, key, answer })),
  );
  const add = (text: string) => box.add({ ...draft, text });
  const flush = () => vi.advanceTimersByTimeAsync(0);
  return { box, add, sent, received, flush };
}

describe('the outbox', () => {
  test('publishes one message at a time in order, each with its own key', async () => {
    const { add, sent, flush } = outbox();
    add('one');
    add('two');
    await flush();
    expect(sent.map(({ draft: { text } }) => text)).toEqual(['one']);
    sent[0]?.answer({ ok: true, message: message(1) });
    await flush();
    expect(sent.map(({ draft: { text } }) => text)).toEqual(['one', 'two']);
    expect(new Set(sent.map(({ key }) => key)).size).toBe(2);
  });

  test('reports what was published, and when it was written', async () => {
    const { add, sent, received, flush } = outbox();
    add('one');
    await vi.advanceTimersByTimeAsync(10);
    sent[0]?.answer({ ok: true, message: message(1) });
    await flush();
    expect(received.published).toEqual([['aaa-1', 10]]);
    expect(received.sending.at(-1)).toBe(0);
  });

  test('returns all texts that were not published', async () => {
    const { add, sent, received, flush } = outbox();
    add('one');
    add('two');
    await flush();
    sent[0]?.answer({ ok: false, why: 'network', detail: null, retryAfter_s: 0 });
    await flush();
    expect(received.failed).toEqual([['one', 'two']]);
    expect(received.sending.at(-1)).toBe(0);
    expect(sent).toHaveLength(1);
  });

  test('reuses the key if the same text is sent again after a network failure', async () => {
    const { add, sent, flush } = outbox();
    add('one');
    await flush();
    sent[0]?.answer({ ok: false, why: 'network', detail: null, retryAfter_s: 0 });
    await flush();
    add('one');
    await flush();
    expect(sent[1]?.key).toBe(sent[0]?.key);
    sent[1]?.answer({ ok: true, message: message(1) });
    await flush();
    add('one');
    await flush();
    expect(sent[2]?.key).not.toBe(sent[0]?.key);
  });

  test('reuses it even if another message was published in between', async () => {
    const { add, sent, flush } = outbox();
    add('one');
    await flush();
    sent[0]?.answer({ ok: false, why: 'network', detail: null, retryAfter_s: 0 });
    await flush();
    add('two');
    await flush();
    sent[1]?.answer({ ok: true, message: message(2) });
    await flush();
    add('one');
    await flush();
    expect(sent[2]?.key).toBe(sent[0]?.key);
  });

  test('does not reuse it for a second message with that text, written while the first is sent again', async () => {
    const { add, sent, received, flush } = outbox();
    add('ok');
    await flush();
    sent[0]?.answer({ ok: false, why: 'network', detail: null, retryAfter_s: 0 });
    await flush();
    add('ok');
    add('ok');
    await flush();
    sent[1]?.answer({ ok: true, message: message(1) });
    await flush();
    sent[2]?.answer({ ok: true, message: message(2) });
    await flush();
    expect(sent[1]?.key).toBe(sent[0]?.key);
    expect(sent[2]?.key).not.toBe(sent[0]?.key);
    expect(received.published).toHaveLength(2);
  });
});
