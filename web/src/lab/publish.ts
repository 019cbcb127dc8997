// Publishes one message with `POST /messages`, with one retry after a network failure.
//
// Both attempts carry the same Idempotency-Key, so a message whose first response was lost is not published twice.

import type { Fetch } from '../client/connection-factory.ts';
import { readProblemDetail, readRetryAfter, buildUrl, TOO_MANY_REQUESTS } from '../client/http.ts';
import { parseMessage, type Message } from '../client/message.ts';

export interface Draft {
  room: string;
  author: string;
  text: string;
}

/** Refusals that the page explains in its own words; `refused` is any other. */
type Refusal = 'refused' | 'unauthorized' | 'forbidden' | 'limited';

export interface PublishFailure {
  ok: false;
  why: 'network' | 'away' | 'garbled' | Refusal;
  detail: string | null;
  /** How long the server asks to wait; 0 if it does not say. */
  retryAfter_s: number;
}

export type PublishResult = { ok: true; message: Message } | PublishFailure;

const FAILURES: Partial<Record<number, PublishFailure['why']>> = {
  401: 'unauthorized',
  403: 'forbidden',
  [TOO_MANY_REQUESTS]: 'limited',
  // While the store cannot be written.
  503: 'away',
};
const REQUEST_TIMEOUT_MS = 10_000;
const RETRY_DELAY_MS = 500;

/** `client` is the reader whose user writes, so that presence can show its author. */
export async function publish(
  draft: Draft,
  key: string,
  send: Fetch = (...call) => fetch(...call),
  client: string | null = null,
): Promise<PublishResult> {
  let response: Response;
  try {
    response = await sendDraft(draft, key, send, client);
  } catch {
    await new Promise((resolve) => setTimeout(resolve, RETRY_DELAY_MS));
    try {
      response = await sendDraft(draft, key, send, client);
    } catch {
      return { ok: false, why: 'network', detail: null, retryAfter_s: 0 };
    }
  }
  if (!response.ok) {
    const why = FAILURES[response.status] ?? 'refused';
    const retryAfter_s = Math.ceil(readRetryAfter(response) / 1_000);
    return { ok: false, why, detail: await readProblemDetail(response), retryAfter_s };
  }
  try {
    return { ok: true, message: parseMessage(await response.json()) };
  } catch {
    return { ok: false, why: 'garbled', detail: null, retryAfter_s: 0 };
  }
}

/** Whether the server refused the message, so that it is certainly not in the log. */
export function isRefusal({ why }: PublishFailure): boolean {
  return why === 'refused' || why === 'unauthorized' || why === 'forbidden' || why === 'limited';
}

async function sendDraft(draft: Draft, key: string, send: Fetch, client: string | null): Promise<Response> {
  const request = new AbortController();
  const timeout = setTimeout(() => request.abort(), REQUEST_TIMEOUT_MS);
  try {
    return await send(buildUrl('messages', { client }), {
      method: 'POST',
      cache: 'no-store',
      headers: { 'Content-Type': 'application/json', 'Idempotency-Key': key },
      body: JSON.stringify(draft),
      signal: request.signal,
    });
  } finally {
    clearTimeout(timeout);
  }
}
