// Buffers a diagram's events for its longest window, so that it can be redrawn at any time.

import type { TraceEvent } from '../trace.ts';
import type { Transport } from '../../client/transport.ts';
import { type SequenceChange, type TimelineEvent, Sequence, type Span } from './sequence.ts';

export const MAX_AGE_MS = 120_000;
/** Limit of each kind of entry. */
const MAX_EVENTS = 8_192;

/** A mark on the diagram that is not an event of the trace. */
export interface Mark {
  /** `published`: a message entered the log. `lost`, `begun`: earlier events were lost, or the trace begins again. */
  style: 'published' | 'lost' | 'begun';
  transport: Transport;
  at_ms: number;
  /** Number of messages, or for `lost`, of events. */
  count: number;
  /** For `published`: how long the message waited until it was seen. */
  wait_ms: number;
}

export class EventBuffer {
  /** The time at the bottom edge when the diagram was last drawn. */
  seen_ms = 0;
  readonly #sequence = new Sequence();
  #timelineEvents: TimelineEvent[] = [];
  #marks: Mark[] = [];
  readonly #spans = new Set<Span>();

  add(events: readonly TraceEvent[]): SequenceChange {
    const change = this.#sequence.add(events);
    this.#timelineEvents.push(...change.timelineEvents);
    for (const span of change.spans) this.#spans.add(span);
    return change;
  }

  mark(style: Mark['style'], transport: Transport, at_ms: number, count: number, wait_ms = 0): Mark {
    const mark = { style, transport, at_ms, count, wait_ms };
    this.#marks.push(mark);
    // Messages arrive even while nothing is drawn or evicted.
    if (this.#marks.length > MAX_EVENTS) this.#marks = this.#marks.slice(-MAX_EVENTS / 2);
    return mark;
  }

  splitAt(style: 'lost' | 'begun', transport: Transport, count: number): { spans: Span[]; mark: Mark } {
    const at_ms = this.#sequence.lastAt_ms ?? this.seen_ms;
    return {
      spans: this.#sequence.splitAt(style === 'begun'),
      mark: this.mark(style, transport, at_ms, count),
    };
  }

  /** Ends the spans that last at `at_ms`. An event that shows that one has lasted on begins it again. */
  endSpans(at_ms: number): Span[] {
    return this.#sequence.endSpans(at_ms);
  }

  since(ms: number): { spans: Span[]; timelineEvents: TimelineEvent[]; marks: Mark[] } {
    return {
      spans: [...this.#spans].filter(({ to_ms }) => to_ms === null || to_ms >= ms),
      timelineEvents: this.#timelineEvents.filter(({ at_ms }) => at_ms >= ms),
      marks: this.#marks.filter(({ at_ms }) => at_ms >= ms),
    };
  }

  evict(now_ms: number): void {
    const before_ms = now_ms - MAX_AGE_MS;
    this.#timelineEvents = keepNewest(this.#timelineEvents, before_ms);
    this.#marks = keepNewest(this.#marks, before_ms);
    for (const span of this.#spans) {
      if (span.to_ms !== null && (span.to_ms < before_ms || this.#spans.size > MAX_EVENTS))
        this.#spans.delete(span);
    }
  }
}

/** Assumes that `things` are almost in order of time. */
function keepNewest<Thing extends { at_ms: number }>(things: Thing[], before_ms: number): Thing[] {
  const first = things.findIndex(({ at_ms }) => at_ms >= before_ms);
  const old = first === -1 ? things.length : first;
  const surplus = Math.max(old, things.length - MAX_EVENTS);
  return surplus === 0 ? things : things.slice(surplus);
}
