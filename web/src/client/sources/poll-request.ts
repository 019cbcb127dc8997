// One poll: sends the request, passes its response to the sink, and returns the outcome.

import { problemDetail, route } from '../http.ts';
import type { Position } from '../ingest.ts';
import { ProtocolError, isRecord, parsePollAnswer } from '../message.ts';
import type { ConnectionFactory } from '../connection-factory.ts';
import { parsePresence } from '../presence.ts';
import type { Link, RequestContext, Sink } from './source.ts';

/** A response without progress for this long, beyond the server's own wait, counts as lost. */
const PROGRESS_TIMEOUT_MS = 10_000;

export type PollResult =
  | { ok: true; empty: boolean; more: boolean; reset: boolean }
  | { ok: false; link: Link & { kind: 'reconnecting' } };

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
  const giveUp = () => request.abort();
  let late = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const expectWithin = (ms: number) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      late = true;
      giveUp();
    }, ms);
  };
  expectWithin(wait_s * 1_000 + PROGRESS_TIMEOUT_MS);
  const { down } = connections;
  stopped.addEventListener('abort', giveUp);
  down.addEventListener('abort', giveUp);
  try {
    if (down.aborted) return failed('network');
    const wait = wait_s > 0 ? wait_s : null;
    const address = route('poll', { room, ...position, wait, client, ...query?.() }, url);
    sink.exchange({ kind: 'asked' });
    const response = await connections.fetch(address, { cache: 'no-store', signal: request.signal });
    if (!response.ok) {
      if (!stopped.aborted) sink.exchange({ kind: 'failed' });
      return failed('refused', await problemDetail(response));
    }
    const { text, bytes } = await readBody(response, () => expectWithin(PROGRESS_TIMEOUT_MS));
    const body: unknown = JSON.parse(text);
    const answer = parsePollAnswer(body);
    if (!stopped.aborted) {
      const present = isRecord(body) ? body['presence'] : undefined;
      sink.exchange({
        kind: 'answered',
        messages: answer.messages.length,
        body_bytes: bytes,
        presence_bytes: presenceBytes(present),
      });
      sink.batch(answer);
      // A response for several rooms has one per room.
      for (const each of [present].flat()) {
        const presence = parsePresence(each);
        if (presence !== null) sink.presence(presence);
      }
    }
    return {
      ok: true,
      empty: answer.messages.length === 0,
      more: answer.more,
      reset: answer.reset !== null,
    };
  } catch (error) {
    if (!stopped.aborted) sink.exchange({ kind: 'failed' });
    if (late) return failed('unanswered');
    return failed(error instanceof ProtocolError || error instanceof SyntaxError ? 'garbled' : 'network');
  } finally {
    clearTimeout(timer);
    stopped.removeEventListener('abort', giveUp);
    down.removeEventListener('abort', giveUp);
  }
}

/** Size of a response's member `presence` in bytes, with its name and comma; 0 without one. */
function presenceBytes(value: unknown): number {
  if (value === undefined) return 0;
  return new TextEncoder().encode(`,"presence":${JSON.stringify(value)}`).length;
}

function failed(why: (Link & { kind: 'reconnecting' })['why'], detail: string | null = null): PollResult {
  return { ok: false, link: { kind: 'reconnecting', why, detail } };
}

/** A long response over a slow link may take any time, so each chunk restarts the time-out by `progressed`. */
async function readBody(
  response: Response,
  progressed: () => void,
): Promise<{ text: string; bytes: number }> {
  if (response.body === null) return { text: '', bytes: 0 };
  const pieces = response.body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for (;;) {
    const { done, value } = await pieces.read();
    if (done) return { text: text + decoder.decode(), bytes };
    progressed();
    bytes += value.length;
    text += decoder.decode(value, { stream: true });
  }
}
