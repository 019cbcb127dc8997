// What a diagram remembers, for as long as its longest window: enough to draw it anew at any time.

import type { TraceEvent } from '../trace.ts';
import type { Transport } from '../../client/transport.ts';
import { type Change, type TimelineEvent, Sequence, type Span } from './sequence.ts';

export const MAX_AGE_MS = 120_000;
/** However busy it gets, no more than this. */
const MAX_EVENTS = 8_192;

/** Something to be shown that is no event of the trace. */
export interface Mark {
  /** A message entered the log; or what was before this is not, or no longer, known. */
  style: 'published' | 'lost' | 'begun';
  transport: Transport;
  at_ms: number;
  /** Messages; of `lost`, events. */
  count: number;
  /** Of a message: how long it waited until it was seen. */
  wait_ms: number;
}

export class EventBuffer {
  /** The present as it was last shown. */
  seen_ms = 0;
  readonly #sequence = new Sequence();
  #timelineEvents: TimelineEvent[] = [];
  #marks: Mark[] = [];
  readonly #spans = new Set<Span>();

  add(events: readonly TraceEvent[]): Change {
    const change = this.#sequence.add(events);
    this.#timelineEvents.push(...change.timelineEvents);
    for (const span of change.spans) this.#spans.add(span);
    return change;
  }

  mark(style: Mark['style'], transport: Transport, at_ms: number, count: number, wait_ms = 0): Mark {
    const mark = { style, transport, at_ms, count, wait_ms };
    this.#marks.push(mark);
    // Messages are seen while nothing is drawn or forgotten, too.
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

  since(ms: number): { spans: Span[]; timelineEvents: TimelineEvent[]; marks: Mark[] } {
    return {
      spans: [...this.#spans].filter(({ to_ms }) => to_ms === null || to_ms >= ms),
      timelineEvents: this.#timelineEvents.filter(({ at_ms }) => at_ms >= ms),
      marks: this.#marks.filter(({ at_ms }) => at_ms >= ms),
    };
  }

  evict(now_ms: number): void {
    const before_ms = now_ms - MAX_AGE_MS;
    this.#timelineEvents = newest(this.#timelineEvents, before_ms);
    this.#marks = newest(this.#marks, before_ms);
    for (const span of this.#spans) {
      if (span.to_ms !== null && (span.to_ms < before_ms || this.#spans.size > MAX_EVENTS))
        this.#spans.delete(span);
    }
  }
}

/** They come almost in order, which is near enough. */
function newest<Thing extends { at_ms: number }>(things: Thing[], before_ms: number): Thing[] {
  const first = things.findIndex(({ at_ms }) => at_ms >= before_ms);
  const old = first === -1 ? things.length : first;
  const surplus = Math.max(old, things.length - MAX_EVENTS);
  return surplus === 0 ? things : things.slice(surplus);
}
