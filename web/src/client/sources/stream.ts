// The stream: the browser's own EventSource on `GET /stream`.
//
// The browser reconnects a lost connection by itself and sends the last cursor. After a status other than 200 it gives
// up for good; then we open a new EventSource after a pause.
//
// The browser does not report a connection that is open and silent. So we ask the server for keep-alives that are
// events (`heartbeat=`), three within the stall time-out.

import { buildUrl, readProblemDetail, readRetryAfter } from '../http.ts';
import type { Position } from '../ingest.ts';
import { isRecord, parseMessage, parseReset, type Batch } from '../message.ts';
import type { ConnectionFactory } from '../connection-factory.ts';
import { IdleTimer } from '../idle-timer.ts';
import { backoff } from '../backoff.ts';
import { parsePresence } from '../presence.ts';
import type { Exchange, Link, RequestContext, Sink, Source } from './source.ts';

/** `EventSource.CONNECTING` and `EventSource.CLOSED`, which exist only in browsers. */
const CONNECTING = 0;
const CLOSED = 2;

/** The server's default keep-alive interval, in seconds. We never ask for a longer one. */
const KEEP_ALIVE_S = 15;

export interface StreamOptions extends RequestContext {
  sink: Sink;
  connections: ConnectionFactory;
  /** Called for each event and keep-alive, before the sink. It may stop the stream. */
  onEvent?: () => void;
  /** Called if there has been no event for the stall time-out. The stream stays open. */
  onStalled?: () => void;
}

export class Stream implements Source {
  readonly #options: StreamOptions;
  readonly #idle: IdleTimer;
  #position: (() => Position) | null = null;
  #events: EventSource | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  /** The server asked to wait until then, by `performance.now()`. */
  #allowed_ms = 0;

  constructor(options: StreamOptions) {
    this.#options = options;
    this.#idle = new IdleTimer(
      () => options.connections.stallTimeout_ms,
      () => options.onStalled?.(),
    );
  }

  start(position: () => Position): void {
    this.stop();
    this.#position = position;
    this.#failures = 0;
    this.#allowed_ms = 0;
    this.#options.sink.link({ kind: 'connecting' });
    this.#connect(position());
  }

  stop(): void {
    this.#position = null;
    this.#close();
  }

  /** Time since the last event; 0 while closed. */
  get idle_ms(): number {
    return this.#events === null ? 0 : this.#idle.idle_ms;
  }

  reconnect(): void {
    if (performance.now() >= this.#allowed_ms) this.#reopen();
  }

  #reopen(): void {
    if (this.#position !== null && this.#events === null) this.#connect(this.#position());
  }

  #close(): void {
    clearTimeout(this.#timer);
    this.#idle.stop();
    this.#events?.close();
    this.#events = null;
  }

  #connect(position: Position): void {
    this.#close();
    const { url, room, client, query, sink, connections, onEvent } = this.#options;
    const heartbeat = Math.min(KEEP_ALIVE_S, Math.round(connections.stallTimeout_ms / 30) / 100);
    const address = buildUrl('stream', { room, ...position, client, ...query?.(), heartbeat }, url);
    let events: EventSource | null;
    try {
      events = connections.open(address);
    } catch {
      return this.#retryLater('refused');
    }
    if (events === null) return this.#retryLater('network');
    this.#events = events;
    this.#idle.reset();
    sink.exchange({ kind: 'request' });

    const listen = (type: string, handle: (event: MessageEvent<unknown>) => void) =>
      events.addEventListener(type, (event) => {
        if (this.#events === events) handle(event as MessageEvent<unknown>);
      });
    const listenForEvent = (type: string, handle: (event: MessageEvent<unknown>) => void) =>
      listen(type, (event) => {
        this.#idle.reset();
        onEvent?.();
        if (this.#events === events) handle(event);
        // Not at `open`: a server may accept the stream and then send what cannot be read.
        if (this.#events === events) this.#failures = 0;
      });

    listen('open', () => {
      this.#idle.reset();
      sink.exchange({ kind: 'response', messages: 0, body_bytes: 0, presence_bytes: 0 });
      sink.link({ kind: 'live' });
    });
    listenForEvent('message', (event) => this.#acceptEvent(event, parseMessageEvent));
    listenForEvent('reset', (event) => this.#acceptEvent(event, parseResetEvent));
    listenForEvent('keep-alive', (event) => sink.exchange(toExchange(event, 0)));
    listenForEvent('presence', (event) => {
      const presence = parsePresence(parseJson(event));
      if (presence === null) return;
      sink.exchange(toExchange(event, 0));
      sink.presence(presence);
    });
    listen('error', () => {
      this.#idle.reset();
      sink.exchange({ kind: 'failure' });
      if (events.readyState === CLOSED) {
        this.#retryLater(connections.offline.aborted ? 'network' : 'refused');
        if (!connections.offline.aborted) void this.#fetchRefusal();
      }
      // Without a cursor the browser would request the same old messages again.
      else if (events.readyState === CONNECTING && !('cursor' in this.#currentPosition()))
        this.#retryLater('network');
      else sink.link({ kind: 'reconnecting', why: 'network', detail: null });
    });
  }

  #currentPosition(): Position {
    return this.#position?.() ?? { last: 0 };
  }

  #acceptEvent(event: MessageEvent<unknown>, parse: (data: unknown) => Batch): void {
    let batch: Batch;
    try {
      batch = parse(JSON.parse(String(event.data)));
    } catch {
      // Continuing would lose this event.
      this.#retryLater('garbled');
      return;
    }
    this.#options.sink.exchange(toExchange(event, batch.messages.length));
    this.#options.sink.batch(batch);
  }

  /** Polls to learn why the stream was refused, and for how long, as EventSource does not expose the response. */
  async #fetchRefusal(): Promise<void> {
    const { url, room, sink, connections } = this.#options;
    const failures = this.#failures;
    const address = buildUrl('poll', { room, last: 0 }, url);
    const response = await connections.fetch(address, { cache: 'no-store' }).catch(() => null);
    if (response === null || response.ok) return;
    const detail = await readProblemDetail(response);
    const isCurrent = this.#position !== null && this.#events === null && this.#failures === failures;
    if (!isCurrent) return;
    sink.link({ kind: 'reconnecting', why: 'refused', detail, status: response.status });
    const wait_ms = readRetryAfter(response);
    this.#allowed_ms = performance.now() + wait_ms;
    this.#reopenAfter(Math.max(wait_ms, backoff(failures)));
  }

  #retryLater(why: (Link & { kind: 'reconnecting' })['why']): void {
    this.#close();
    this.#failures += 1;
    this.#options.sink.link({ kind: 'reconnecting', why, detail: null });
    this.#reopenAfter(backoff(this.#failures));
  }

  #reopenAfter(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#reopen(), ms);
  }
}

function toExchange(event: MessageEvent<unknown>, messages: number): Exchange {
  const body_bytes = countBytes(event);
  return { kind: 'event', messages, body_bytes, presence_bytes: event.type === 'presence' ? body_bytes : 0 };
}

/** The size of an event on the wire: its lines with their line breaks, and the empty line after it. */
function countBytes({ type, lastEventId, data }: MessageEvent<unknown>): number {
  const lines = [
    ...(type === 'message' ? [`id: ${lastEventId}`] : [`event: ${type}`]),
    ...String(data)
      .split('\n')
      .map((line) => (line === '' ? 'data:' : `data: ${line}`)),
  ];
  return new TextEncoder().encode(`${lines.join('\n')}\n\n`).length;
}

function parseJson(event: MessageEvent<unknown>): unknown {
  try {
    return JSON.parse(String(event.data));
  } catch {
    return null;
  }
}

function parseMessageEvent(data: unknown): Batch {
  const message = parseMessage(data);
  return { messages: [message], cursor: message.cursor, reset: null };
}

function parseResetEvent(data: unknown): Batch {
  return {
    messages: [],
    cursor: null,
    reset: parseReset(isRecord(data) ? data['reason'] : null) ?? 'other',
  };
}
