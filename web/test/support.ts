// Builders of messages and responses, and a fake `fetch`.

import { afterEach, beforeEach, vi } from 'vitest';
import type { Fetch } from '../src/client/connection-factory.ts';
import type { Batch, Message } from '../src/client/message.ts';
import type { Presence } from '../src/client/presence.ts';
import type { Exchange, Link, Sink } from '../src/client/sources/source.ts';

export function message(id: number, log = 'aaa'): Message {
  return {
    id,
    cursor: `${log}-${id}`,
    room: 'lobby',
    author: 'mina',
    text: `number ${id}`,
    sent_at: '2026-01-02T03:04:05.000006Z',
  };
}

export function batch(ids: number[], more: Partial<Batch> = {}, log = 'aaa'): Batch {
  const messages = ids.map((id) => message(id, log));
  return { messages, cursor: messages.at(-1)?.cursor ?? null, reset: null, ...more };
}

export function pollAnswer(ids: number[], more: Record<string, unknown> = {}, log = 'aaa'): Response {
  return json(200, {
    messages: ids.map((id) => message(id, log)),
    cursor: `${log}-${ids.at(-1) ?? 0}`,
    more: false,
    reset: null,
    ...more,
  });
}

export function json(status: number, body: unknown, type = 'application/json'): Response {
  return new Response(JSON.stringify(body), { status, headers: { 'Content-Type': type } });
}

export function problem(status: number, detail: string): Response {
  return json(status, { type: 'about:blank', title: 'Refused', status, detail }, 'application/problem+json');
}

/** A refusal for a limit, which asks to wait for some seconds. */
export function limited(status: number, retryAfter_s: number): Response {
  const response = problem(status, 'Too many requests.');
  response.headers.set('Retry-After', String(retryAfter_s));
  return response;
}

export class RecordingSink implements Sink {
  readonly links: Link[] = [];
  readonly batches: Batch[] = [];
  readonly presences: Presence[] = [];
  readonly exchanges: Exchange[] = [];

  link(link: Link): void {
    this.links.push(link);
  }

  batch(batch: Batch): void {
    this.batches.push(batch);
  }

  presence(presence: Presence): void {
    this.presences.push(presence);
  }

  exchange(exchange: Exchange): void {
    this.exchanges.push(exchange);
  }

  get ids(): number[] {
    return this.batches.flatMap(({ messages }) => messages.map(({ id }) => id));
  }

  get kinds(): string[] {
    return this.links.map(({ kind }) => kind);
  }
}

/** Gives each test of the file fake timers and a visible page. */
export function fakeVisiblePage(): void {
  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal('document', Object.assign(new EventTarget(), { hidden: false }));
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });
}

export interface Call {
  url: URL;
  init: RequestInit;
  at_ms: number;
}

type Reply = (call: Call) => Response | Promise<Response>;

/** Each request gets the next reply; the last one is repeated. */
export function fakeFetch(...replies: Reply[]): { fetch: Fetch; calls: Call[] } {
  const calls: Call[] = [];
  const fetch: Fetch = vi.fn(async (input, init = {}) => {
    const call = { url: new URL(String(input), 'http://test/'), init, at_ms: performance.now() };
    const reply = replies[Math.min(calls.length, replies.length - 1)];
    calls.push(call);
    if (reply === undefined) throw new Error('no reply was prepared');
    return reply(call);
  });
  return { fetch, calls };
}

/** A request without a response; it ends only when it is aborted. */
export const hang: Reply = ({ init }) =>
  new Promise((_, reject) => {
    init.signal?.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')));
  });

export const networkDown: Reply = () => Promise.reject(new TypeError('Failed to fetch'));
