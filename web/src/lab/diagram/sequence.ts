// What a client's trace means, in the order in which it happened: each event with what led up to it, and the spans
// between them (a connection that is open, a request that is held).

import type { TraceEvent } from '../trace.ts';
import type { Transport } from '../../client/transport.ts';

/** An event as it is drawn and told. */
export interface TimelineEvent extends TraceEvent {
  /** Of an opening: the browser itself came back after its stream had ended. */
  reconnect: boolean;
  /**
   * How long it had been waited for: of an answer since its request, of a push since the stream last wrote, of a
   * request or a reconnection since nothing had been asked any more. Null where that is not known.
   */
  after_ms: number | null;
}

/** `held`: the server has a request, or writes a stream. `open`: a TCP connection is. */
export interface Span {
  kind: 'held' | 'open';
  transport: Transport;
  connection: number;
  from_ms: number;
  /** Null as long as it lasts. */
  to_ms: number | null;
}

export interface Change {
  timelineEvents: TimelineEvent[];
  /** Spans that have begun or ended. */
  spans: Span[];
}

interface OpenRequest {
  span: Span;
  stream: boolean;
  answered: boolean;
  /** When the request came, or the stream last wrote. */
  since_ms: number;
}

export class Sequence {
  /** Connections that are open, with their span and what is asked on them. */
  readonly #open = new Map<number, Span>();
  readonly #asked = new Map<number, OpenRequest>();
  /** Since when nothing is asked. */
  #idleSince_ms: number | null = null;
  /** How the client last asked. */
  #lastAsked: { transport: Transport; connection: number } | null = null;
  #lastAt_ms: number | null = null;

  /** The newest time told of. */
  get lastAt_ms(): number | null {
    return this.#lastAt_ms;
  }

  add(events: readonly TraceEvent[]): Change {
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
   * What follows does not join on to what was: all that lasts has ended, as far as is known at the last event. Where
   * it is the server that was `restarted`, the browser is known to have come back by itself.
   */
  splitAt(restarted: boolean): Span[] {
    const at_ms = this.#lastAt_ms ?? 0;
    const ended = [...this.#open.values(), ...[...this.#asked.values()].map(({ span }) => span)];
    for (const span of ended) span.to_ms = at_ms;
    this.#open.clear();
    this.#asked.clear();
    this.#idleSince_ms = null;
    if (!restarted) this.#lastAsked = null;
    // A server that was started again numbers its connections anew.
    else if (this.#lastAsked !== null) this.#lastAsked.connection = NaN;
    return ended;
  }

  #record(event: TraceEvent, spans: Set<Span>): TimelineEvent | null {
    const { connection, transport, at_ms } = event;
    switch (event.kind) {
      case 'opened': {
        // A connection that serves two clients in turn is announced at each turn.
        if (this.#open.has(connection)) return null;
        this.#begin(spans, { kind: 'open', transport, connection, from_ms: at_ms, to_ms: null });
        const reconnect = this.#isReconnect(event);
        return { ...event, reconnect, after_ms: reconnect ? this.#idleSince(at_ms) : null };
      }
      case 'request': {
        if (!this.#open.has(connection))
          this.#begin(spans, { kind: 'open', transport, connection, from_ms: at_ms, to_ms: null });
        this.#finish(spans, connection, at_ms);
        const after_ms = this.#idleSince(at_ms);
        this.#idleSince_ms = null;
        const span = this.#begin(spans, { kind: 'held', transport, connection, from_ms: at_ms, to_ms: null });
        const stream = transport === 'stream';
        this.#asked.set(connection, { span, stream, answered: false, since_ms: at_ms });
        this.#lastAsked = { transport, connection };
        return { ...event, reconnect: false, after_ms };
      }
      case 'answer': {
        const asked = this.#asked.get(connection);
        const after_ms = asked === undefined ? null : at_ms - asked.since_ms;
        // A stream's answer has only begun.
        if (asked?.stream && !asked.answered && event.status === 200) {
          asked.answered = true;
          asked.since_ms = at_ms;
        } else {
          this.#finish(spans, connection, at_ms);
          this.#beginIdle(at_ms);
        }
        return { ...event, reconnect: false, after_ms };
      }
      case 'push': {
        const asked = this.#asked.get(connection);
        const after_ms = asked === undefined ? null : at_ms - asked.since_ms;
        if (asked !== undefined) asked.since_ms = at_ms;
        return { ...event, reconnect: false, after_ms };
      }
      case 'closed': {
        const span = this.#open.get(connection);
        if (span !== undefined) this.#end(spans, span, at_ms);
        this.#open.delete(connection);
        if (this.#finish(spans, connection, at_ms)) this.#beginIdle(at_ms);
        return { ...event, reconnect: false, after_ms: span === undefined ? null : at_ms - span.from_ms };
      }
    }
  }

  /** A stream after a stream: nobody chose that, the first was lost (the server may find that out later). */
  #isReconnect({ transport, connection }: TraceEvent): boolean {
    const last = this.#lastAsked;
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

  /** Whatever was asked on the connection is over. Tells whether there was something. */
  #finish(spans: Set<Span>, connection: number, at_ms: number): boolean {
    const asked = this.#asked.get(connection);
    if (asked === undefined) return false;
    this.#asked.delete(connection);
    this.#end(spans, asked.span, at_ms);
    return true;
  }

  #beginIdle(at_ms: number): void {
    if (this.#asked.size === 0) this.#idleSince_ms ??= at_ms;
  }
}
