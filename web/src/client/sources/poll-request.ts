// One poll: sends the request, passes its response to the sink, and returns the outcome.

import { buildUrl, readProblemDetail, readRetryAfter, TOO_MANY_REQUESTS } from '../http.ts';
import type { Position } from '../ingest.ts';
import { ProtocolError, isRecord, parsePollPage } from '../message.ts';
import type { ConnectionFactory } from '../connection-factory.ts';
import { parsePresence } from '../presence.ts';
import type { Link, RequestContext, Sink } from './source.ts';

/** A response without progress for this long, beyond the server's own wait, counts as lost. */
const PROGRESS_TIMEOUT_MS = 10_000;

export interface PollFailure {
  ok: false;
  link: Link & { kind: 'reconnecting' };
  /** How long the server asks to wait; 0 if it does not say. */
  retryAfter_ms: number;
  /** Whether the client has asked too often. */
  isLimited: boolean;
}

export type PollResult = { ok: true; empty: boolean; more: boolean; reset: boolean } | PollFailure;

export interface PollQuery {
  request: RequestContext;
  connections: ConnectionFactory;
  position: Position;
  /** Seconds the server may wait for a message; 0 for a plain poll. */
  wait_s: number;
  /** Aborts the request; nothing reaches the sink after that. */
  stopped: AbortSignal;
}

export async function fetchPage(
  { request: context, connections, position, wait_s, stopped }: PollQuery,
  sink: Sink,
): Promise<PollResult> {
  const { url, room, client, query } = context;
  const request = new AbortController();
  const abort = () => request.abort();
  let isLate = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const expectWithin = (ms: number) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      isLate = true;
      abort();
    }, ms);
  };
  expectWithin(wait_s * 1_000 + PROGRESS_TIMEOUT_MS);
  const { offline } = connections;
  stopped.addEventListener('abort', abort);
  offline.addEventListener('abort', abort);
  try {
    if (offline.aborted) return toFailure('network');
    const wait = wait_s > 0 ? wait_s : null;
    const address = buildUrl('poll', { room, ...position, wait, client, ...query?.() }, url);
    sink.exchange({ kind: 'request' });
    const response = await connections.fetch(address, { cache: 'no-store', signal: request.signal });
    if (!response.ok) {
      if (!stopped.aborted) sink.exchange({ kind: 'failure' });
      const { link } = toFailure('refused', await readProblemDetail(response));
      return {
        ok: false,
        link: { ...link, status: response.status },
        retryAfter_ms: readRetryAfter(response),
        isLimited: response.status === TOO_MANY_REQUESTS,
      };
    }
    const { text, bytes } = await readBody(response, () => expectWithin(PROGRESS_TIMEOUT_MS));
    const body: unknown = JSON.parse(text);
    const page = parsePollPage(body);
    if (!stopped.aborted) {
      const present = isRecord(body) ? body['presence'] : undefined;
      sink.exchange({
        kind: 'response',
        messages: page.messages.length,
        body_bytes: bytes,
        presence_bytes: countPresenceBytes(present),
      });
      sink.batch(page);
      // A response for several rooms has one per room.
      for (const each of [present].flat()) {
        const presence = parsePresence(each);
        if (presence !== null) sink.presence(presence);
      }
    }
    return {
      ok: true,
      empty: page.messages.length === 0,
      more: page.more,
      reset: page.reset !== null,
    };
  } catch (error) {
    if (!stopped.aborted) sink.exchange({ kind: 'failure' });
    if (isLate) return toFailure('unanswered');
    return toFailure(error instanceof ProtocolError || error instanceof SyntaxError ? 'garbled' : 'network');
  } finally {
    clearTimeout(timer);
    stopped.removeEventListener('abort', abort);
    offline.removeEventListener('abort', abort);
  }
}

/** Size of a response's member `presence` in bytes, with its name and comma; 0 without one. */
function countPresenceBytes(value: unknown): number {
  if (value === undefined) return 0;
  return new TextEncoder().encode(`,"presence":${JSON.stringify(value)}`).length;
}

function toFailure(why: (Link & { kind: 'reconnecting' })['why'], detail: string | null = null): PollFailure {
  return { ok: false, link: { kind: 'reconnecting', why, detail }, retryAfter_ms: 0, isLimited: false };
}

/** A long response over a slow link may take any time, so each chunk restarts the time-out by `onProgress`. */
async function readBody(
  response: Response,
  onProgress: () => void,
): Promise<{ text: string; bytes: number }> {
  if (response.body === null) return { text: '', bytes: 0 };
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { text: text + decoder.decode(), bytes };
    onProgress();
    bytes += value.length;
    text += decoder.decode(value, { stream: true });
  }
}
