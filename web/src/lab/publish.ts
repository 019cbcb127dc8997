// Publishes one message with `POST /messages`, with one retry after a network failure.
//
// Both attempts carry the same Idempotency-Key, so a message whose first response was lost is not published twice.

import type { Fetch } from '../client/connection-factory.ts';
import { readProblemDetail, buildUrl } from '../client/http.ts';
import { parseMessage, type Message } from '../client/message.ts';

export interface Draft {
  room: string;
  author: string;
  text: string;
}

export type PublishResult =
  | { ok: true; message: Message }
  | { ok: false; why: 'network' | 'refused' | 'away' | 'garbled'; detail: string | null };

/** The status while the store cannot be written. */
const STORE_UNAVAILABLE = 503;
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
      return { ok: false, why: 'network', detail: null };
    }
  }
  if (!response.ok) {
    const why = response.status === STORE_UNAVAILABLE ? 'away' : 'refused';
    return { ok: false, why, detail: await readProblemDetail(response) };
  }
  try {
    return { ok: true, message: parseMessage(await response.json()) };
  } catch {
    return { ok: false, why: 'garbled', detail: null };
  }
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
