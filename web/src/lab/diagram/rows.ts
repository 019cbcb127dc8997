// Where on the diagram a happening is drawn, and together with which others.
//
// Places are in milliseconds, as if something that has to be moved a little to be seen had happened a little later:
// what moves on the screen is only the scale. Happenings of one look that follow each other within a few pixels are
// one row, so that a busy time can be read, and what is drawn is bounded by the height of the picture.

import type { Mark } from './event-buffer.ts';
import type { TimelineEvent } from './sequence.ts';
import type { Transport } from '../../client/transport.ts';

export type RowStyle =
  | 'opened'
  | 'reconnected'
  | 'closed'
  | 'request'
  | 'empty'
  | 'messages'
  | 'refused'
  | 'head'
  | 'push'
  | 'keep-alive'
  | 'reset'
  | 'presence'
  | 'other'
  | 'published'
  | 'lost'
  | 'begun';

/** One arrow, or one mark. */
export interface Row {
  style: RowStyle;
  transport: Transport;
  from_ms: number;
  to_ms: number;
  /** Where it is drawn. */
  drawn_ms: number;
  /** By how much an arrow falls on its way. */
  slant_px: number;
  count: number;
  bytes: number;
  messages: number;
  /** The only one of its happenings, where there is only one. */
  single: TimelineEvent | null;
}

/** What follows nearer than this is drawn together with what it follows, as far as the row reaches. */
const NEAR_PX = 3;
const ROW_PX = 14;
/** Room that an arrow has below the one before it in the same exchange, if there is room. */
const STEP_PX = 5;
const SLANT_PX = 3;
/** How many steps an exchange takes at most: opened, request, answer, closed. */
const STEPS = 5;

export function rowStyle(timelineEvent: TimelineEvent): RowStyle {
  switch (timelineEvent.kind) {
    case 'opened':
      return timelineEvent.reconnect ? 'reconnected' : 'opened';
    case 'request':
    case 'closed':
      return timelineEvent.kind;
    case 'answer':
      if (timelineEvent.status !== 200 && timelineEvent.status !== 304) return 'refused';
      if (timelineEvent.transport === 'stream') return 'head';
      return timelineEvent.messages > 0 ? 'messages' : 'empty';
    case 'push':
      if (timelineEvent.content === null) return 'other';
      return timelineEvent.content === 'messages' ? 'push' : timelineEvent.content;
  }
}

export class Rows {
  readonly #px_per_ms: number;
  readonly #rows = new Set<Row>();
  /** The newest of each look. */
  readonly #newest = new Map<string, Row>();
  /** Where the exchange before this one began, how far its arrows are apart, and where the last of them is. */
  #exchange = {
    from_ms: -Infinity,
    step_px: STEP_PX,
    last_ms: -Infinity,
    /** The connection that was opened just before, for what is asked first on it. */
    opening: null as number | null,
  };

  constructor(px_per_ms: number) {
    this.#px_per_ms = px_per_ms;
  }

  get all(): Iterable<Row> {
    return this.#rows;
  }

  add(timelineEvent: TimelineEvent): { row: Row; isNew: boolean } {
    const style = rowStyle(timelineEvent);
    const { at_ms, transport, messages } = timelineEvent;
    const place = this.#place(timelineEvent);
    return this.#put(style, transport, at_ms, place, {
      bytes: timelineEvent.bytes_in + timelineEvent.bytes_out,
      messages,
      single: timelineEvent,
    });
  }

  mark({ style, transport, at_ms, count }: Mark): { row: Row; isNew: boolean } {
    const place = { drawn_ms: at_ms, slant_px: 0 };
    const messages = style === 'published' ? count : 0;
    return this.#put(style, transport, at_ms, place, { bytes: 0, messages, single: null });
  }

  /** Forgets what lies before `ms`, and tells what that was. */
  evict(ms: number): Row[] {
    const gone: Row[] = [];
    for (const row of this.#rows) {
      if (Math.max(row.drawn_ms, row.to_ms) >= ms) continue;
      this.#rows.delete(row);
      gone.push(row);
    }
    for (const [key, row] of this.#newest) if (!this.#rows.has(row)) this.#newest.delete(key);
    return gone;
  }

  #put(
    style: RowStyle,
    transport: Transport,
    at_ms: number,
    place: { drawn_ms: number; slant_px: number },
    more: { bytes: number; messages: number; single: TimelineEvent | null },
  ): { row: Row; isNew: boolean } {
    const key = `${style} ${transport}`;
    const row = this.#newest.get(key);
    if (row === undefined || !this.#joins(row, at_ms)) {
      const made = { style, transport, from_ms: at_ms, to_ms: at_ms, count: 1, ...place, ...more };
      this.#rows.add(made);
      this.#newest.set(key, made);
      return { row: made, isNew: true };
    }
    row.count += 1;
    row.from_ms = Math.min(row.from_ms, at_ms);
    row.to_ms = Math.max(row.to_ms, at_ms);
    row.bytes += more.bytes;
    row.messages += more.messages;
    row.single = null;
    return { row, isNew: false };
  }

  #joins({ from_ms, to_ms }: Row, at_ms: number): boolean {
    const near_ms = NEAR_PX / this.#px_per_ms;
    return at_ms >= from_ms && at_ms - to_ms < near_ms && (at_ms - from_ms) * this.#px_per_ms < ROW_PX;
  }

  /**
   * The arrows of one exchange happen within a millisecond or two. They are drawn one below the other, as far as
   * the time since the exchange before leaves room for that.
   */
  #place({ kind, at_ms, connection, transport }: TimelineEvent): { drawn_ms: number; slant_px: number } {
    if (kind === 'push') return { drawn_ms: at_ms, slant_px: SLANT_PX };
    const exchange = this.#exchange;
    const begins = kind === 'opened' || (kind === 'request' && exchange.opening !== connection);
    if (begins) {
      const room_px = Math.max(0, at_ms - exchange.from_ms) * this.#px_per_ms;
      exchange.step_px = transport === 'stream' ? STEP_PX : Math.min(STEP_PX, room_px / STEPS);
      exchange.from_ms = at_ms;
    }
    exchange.opening = kind === 'opened' ? connection : null;
    const step_ms = exchange.step_px / this.#px_per_ms;
    const drawn_ms = Math.min(Math.max(at_ms, exchange.last_ms + step_ms), at_ms + (STEPS - 1) * step_ms);
    exchange.last_ms = drawn_ms;
    return { drawn_ms, slant_px: Math.min(SLANT_PX, exchange.step_px) };
  }
}
