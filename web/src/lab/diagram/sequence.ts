// Interprets a client's trace: adds to each event what preceded it, and derives the spans between events (an open
// connection, a held request).

import type { TraceEvent } from '../trace.ts';
import type { Transport } from '../../client/transport.ts';

/** An event of the trace with its context. */
export interface TimelineEvent extends TraceEvent {
  /** For `opened`: the browser itself reconnected after its stream had ended. */
  isReconnect: boolean;
  /**
   * The time before the event: for an answer since its request, for a push since the stream's last write, for a request
   * or a reconnection since the last request ended, for `closed` since the connection was opened. Null if unknown.
   */
  after_ms: number | null;
}

/** `held`: the server is handling a request or writing a stream. `open`: a TCP connection is open. */
export interface Span {
  kind: 'held' | 'open';
  transport: Transport;
  connection: number;
  from_ms: number;
  /** Null while it lasts. */
  to_ms: number | null;
}

export interface SequenceChange {
  timelineEvents: TimelineEvent[];
  /** Spans that began or ended. */
  spans: Span[];
}

interface OpenRequest {
  span: Span;
  isStream: boolean;
  isAnswered: boolean;
  /** When the request arrived, or the stream last wrote. */
  since_ms: number;
}

export class Sequence {
  /** Spans of open connections, and requests in progress, by connection. */
  readonly #open = new Map<number, Span>();
  readonly #requests = new Map<number, OpenRequest>();
  /** Since when no request is in progress. */
  #idleSince_ms: number | null = null;
  /** The client's last request. */
  #lastRequest: { transport: Transport; connection: number } | null = null;
  #lastAt_ms: number | null = null;

  /** The time of the newest event. */
  get lastAt_ms(): number | null {
    return this.#lastAt_ms;
  }

  add(events: readonly TraceEvent[]): SequenceChange {
    const spans = new Set<Span>();
    const timelineEvents = events
      .map((event) => {
        this.#lastAt_ms = Math.max(this.#lastAt_ms ?? event.at_ms, event.at_ms);
        return this.#record(event, spans);
      })
      .filter((timelineEvent) => timelineEvent !== null);
    return { timelineEvents, spans: [...spans] };
  }

  /**
   * Ends all spans at the last event, as the next events do not follow directly. If the server was restarted
   * (`isRestart`), a new stream counts as a reconnection.
   */
  splitAt(isRestart: boolean): Span[] {
    const at_ms = this.#lastAt_ms ?? 0;
    const ended = [...this.#open.values(), ...[...this.#requests.values()].map(({ span }) => span)];
    for (const span of ended) span.to_ms = at_ms;
    this.#open.clear();
    this.#requests.clear();
    this.#idleSince_ms = null;
    if (!isRestart) this.#lastRequest = null;
    // A restarted server numbers its connections from the start again.
    else if (this.#lastRequest !== null) this.#lastRequest.connection = NaN;
    return ended;
  }

  /** Ends all spans at `at_ms` until an event shows that they have lasted longer. */
  endSpans(at_ms: number): Span[] {
    const spans = [...this.#open.values(), ...[...this.#requests.values()].map(({ span }) => span)];
    for (const span of spans) span.to_ms ??= Math.max(at_ms, span.from_ms);
    return spans;
  }

  #record(event: TraceEvent, spans: Set<Span>): TimelineEvent | null {
    const { connection, transport, at_ms } = event;
    this.#resumeSpans(connection, spans);
    switch (event.kind) {
      case 'opened': {
        // A connection that serves two clients in turn is reported as opened at each change.
        if (this.#open.has(connection)) return null;
        this.#begin(spans, { kind: 'open', transport, connection, from_ms: at_ms, to_ms: null });
        const isReconnect = this.#isReconnect(event);
        return { ...event, isReconnect, after_ms: isReconnect ? this.#idleSince(at_ms) : null };
      }
      case 'request': {
        if (!this.#open.has(connection))
          this.#begin(spans, { kind: 'open', transport, connection, from_ms: at_ms, to_ms: null });
        this.#finish(spans, connection, at_ms);
        const after_ms = this.#idleSince(at_ms);
        this.#idleSince_ms = null;
        const span = this.#begin(spans, { kind: 'held', transport, connection, from_ms: at_ms, to_ms: null });
        const isStream = transport === 'stream';
        this.#requests.set(connection, { span, isStream, isAnswered: false, since_ms: at_ms });
        this.#lastRequest = { transport, connection };
        return { ...event, isReconnect: false, after_ms };
      }
      case 'answer': {
        const request = this.#requests.get(connection);
        const after_ms = request === undefined ? null : at_ms - request.since_ms;
        // The answer of a stream stays open.
        if (request?.isStream && !request.isAnswered && event.status === 200) {
          request.isAnswered = true;
          request.since_ms = at_ms;
        } else {
          this.#finish(spans, connection, at_ms);
          this.#beginIdle(at_ms);
        }
        return { ...event, isReconnect: false, after_ms };
      }
      case 'push': {
        const request = this.#requests.get(connection);
        const after_ms = request === undefined ? null : at_ms - request.since_ms;
        if (request !== undefined) request.since_ms = at_ms;
        return { ...event, isReconnect: false, after_ms };
      }
      case 'closed': {
        const span = this.#open.get(connection);
        if (span !== undefined) this.#end(spans, span, at_ms);
        this.#open.delete(connection);
        if (this.#finish(spans, connection, at_ms)) this.#beginIdle(at_ms);
        return { ...event, isReconnect: false, after_ms: span === undefined ? null : at_ms - span.from_ms };
      }
    }
  }

  /** The connection has an event, so `endSpans` ended it too early. */
  #resumeSpans(connection: number, spans: Set<Span>): void {
    for (const span of [this.#open.get(connection), this.#requests.get(connection)?.span]) {
      if (span === undefined || span.to_ms === null) continue;
      span.to_ms = null;
      spans.add(span);
    }
  }

  /** A second stream in a row: nobody chose it, so the first was lost, even if the server has not noticed yet. */
  #isReconnect({ transport, connection }: TraceEvent): boolean {
    const last = this.#lastRequest;
    return transport === 'stream' && last?.transport === 'stream' && last.connection !== connection;
  }

  #idleSince(at_ms: number): number | null {
    return this.#idleSince_ms === null ? null : Math.max(0, at_ms - this.#idleSince_ms);
  }

  #begin(spans: Set<Span>, span: Span): Span {
    if (span.kind === 'open') this.#open.set(span.connection, span);
    spans.add(span);
    return span;
  }

  #end(spans: Set<Span>, span: Span, at_ms: number): void {
    span.to_ms = at_ms;
    spans.add(span);
  }

  /** Ends the request on the connection. Returns false if there was none. */
  #finish(spans: Set<Span>, connection: number, at_ms: number): boolean {
    const request = this.#requests.get(connection);
    if (request === undefined) return false;
    this.#requests.delete(connection);
    this.#end(spans, request.span, at_ms);
    return true;
  }

  #beginIdle(at_ms: number): void {
    if (this.#requests.size === 0) this.#idleSince_ms ??= at_ms;
  }
}
