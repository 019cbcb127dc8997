// Reads the server's trace of one client: `GET /trace?client=…`, each time continuing after the last event.

import { uncredentialedFetch } from './uncredentialed-fetch.ts';
import type { ServerClock } from './clock.ts';
import type { Fetch } from '../client/connection-factory.ts';
import { buildUrl } from '../client/http.ts';
import { ProtocolError, isRecord } from '../client/message.ts';
import { TRANSPORTS, type Transport } from '../client/transport.ts';
import { PollLoop } from './poll-loop.ts';
import { getRetryAfter, RefusedError } from './refused-error.ts';

const KINDS = ['opened', 'request', 'answer', 'push', 'closed'] as const;
const CONTENTS = ['messages', 'reset', 'keep-alive', 'presence'] as const;

export type TraceKind = (typeof KINDS)[number];
/** What a push carried. */
export type PushContent = (typeof CONTENTS)[number];

export interface TraceEvent {
  seq: number;
  /** Milliseconds since the Unix epoch, by the server's clock. */
  at_ms: number;
  /** The server's number for the TCP connection. */
  connection: number;
  kind: TraceKind;
  transport: Transport;
  /** Such as `1.3`; null without TLS, and from an older server. */
  tls_version: string | null;
  bytes_in: number;
  bytes_out: number;
  messages: number;
  /** Null except for an answer. */
  status: number | null;
  /** Null except for a push. */
  content: PushContent | null;
}

export interface TracePage {
  now_ms: number;
  /** The newest event's. */
  seq: number;
  /** How many of the requested events the server no longer has. */
  lost: number;
  events: TraceEvent[];
}

export interface TraceListener {
  events(events: TraceEvent[]): void;
  /** `count` events before the next ones were lost. */
  lost(count: number): void;
  /** The server was restarted and counts from zero. */
  restarted(): void;
  /** The server began to refuse the trace, or gives it again. */
  refused?(isRefused: boolean): void;
}

const POLL_INTERVAL_MS = 500;
const RESPONSE_TIMEOUT_MS = 10_000;

export function parseTrace(value: unknown): TracePage {
  if (!isRecord(value) || !Array.isArray(value['events'])) throw new ProtocolError('a trace without events');
  return {
    now_ms: readInteger(value, 'now_us') / 1_000,
    seq: readInteger(value, 'seq'),
    lost: readInteger(value, 'lost'),
    events: value['events'].map(parseEvent).filter((event) => event !== null),
  };
}

/** Null for a kind that only a newer server knows. */
function parseEvent(value: unknown): TraceEvent | null {
  if (!isRecord(value)) throw new ProtocolError('an event is no object');
  const kind = KINDS.find((each) => each === value['kind']);
  // A connection's last request may have been another route's, for which we assume a poll.
  const transport = TRANSPORTS.find((each) => each === value['transport']) ?? 'poll';
  if (kind === undefined) return null;
  return {
    seq: readInteger(value, 'seq'),
    at_ms: readInteger(value, 'at_us') / 1_000,
    connection: readInteger(value, 'connection'),
    kind,
    transport,
    tls_version: typeof value['tls_version'] === 'string' ? value['tls_version'] : null,
    bytes_in: readInteger(value, 'bytes_in'),
    bytes_out: readInteger(value, 'bytes_out'),
    messages: readInteger(value, 'messages'),
    status: typeof value['status'] === 'number' ? value['status'] : null,
    content: CONTENTS.find((each) => each === value['content']) ?? null,
  };
}

function readInteger(record: Record<string, unknown>, name: string): number {
  const value = record[name];
  if (typeof value !== 'number' || !Number.isSafeInteger(value))
    throw new ProtocolError(`a trace without ${name}`);
  return value;
}

/** Reads a client's trace while the page is visible and the watch runs. */
export class TraceWatch {
  readonly #client: string;
  readonly #clock: ServerClock;
  readonly #listener: TraceListener;
  readonly #get: Fetch;
  // After a failure the next request asks for the same events, which the server keeps for a while.
  readonly #loop = new PollLoop(POLL_INTERVAL_MS, () =>
    this.#read().then(
      () => this.#finish(null),
      (error: unknown) => this.#finish(error),
    ),
  );
  #isRefused = false;
  #last: { seq: number; at_ms: number } | null = null;

  constructor(client: string, clock: ServerClock, listener: TraceListener, get: Fetch = uncredentialedFetch) {
    this.#client = client;
    this.#clock = clock;
    this.#listener = listener;
    this.#get = get;
  }

  start(): void {
    this.#loop.start();
  }

  pause(): void {
    this.#loop.pause();
  }

  /** Stops for good: no event is reported any more. */
  end(): void {
    this.#loop.end();
  }

  /** Returns how long the server wants no other request. */
  #finish(error: unknown): number {
    const isRefused = error instanceof RefusedError;
    if (isRefused !== this.#isRefused && !this.#loop.hasEnded) this.#listener.refused?.(isRefused);
    this.#isRefused = isRefused;
    return getRetryAfter(error);
  }

  async #read(): Promise<void> {
    const last = this.#last;
    // Requests the last known event again, as a restarted server no longer has it.
    const answer = await this.#fetch(last === null ? 0 : last.seq - 1);
    if (answer === null || this.#loop.hasEnded) return;
    const repeated = answer.events[0]?.seq === last?.seq ? answer.events[0] : undefined;
    const isRestarted =
      last !== null &&
      (answer.seq < last.seq ||
        (repeated !== undefined && repeated.at_ms !== last.at_ms) ||
        (repeated === undefined && answer.lost === 0));
    if (isRestarted) {
      this.#last = null;
      this.#listener.restarted();
      return this.#read();
    }
    const events = repeated === undefined ? answer.events : answer.events.slice(1);
    // The last known event is among the lost ones.
    const lost = last === null ? answer.lost : answer.lost - 1;
    if (lost > 0) this.#listener.lost(lost);
    const newest = events.at(-1);
    if (newest === undefined) return;
    this.#last = { seq: newest.seq, at_ms: newest.at_ms };
    this.#listener.events(events);
  }

  /** Null if the server does not know the client: it has not read yet, or the server was restarted. */
  async #fetch(after: number): Promise<TracePage | null> {
    const request = new AbortController();
    const timeout = setTimeout(() => request.abort(), RESPONSE_TIMEOUT_MS);
    const request_ms = performance.now();
    try {
      const response = await this.#get(buildUrl('trace', { client: this.#client, after }), {
        cache: 'no-store',
        signal: request.signal,
      });
      const response_ms = performance.now();
      if (response.status === 404) return null;
      if (!response.ok) throw new RefusedError(response);
      const answer = parseTrace(await response.json());
      this.#clock.sample(request_ms, response_ms, answer.now_ms);
      return answer;
    } finally {
      clearTimeout(timeout);
    }
  }
}
