// Where on the diagram an event is drawn, and together with which others.
//
// The server end of an arrow is at the time that the server gives it: a request ends there, an answer or a push begins
// there. The browser's end is a little earlier or later, so that request and answer can be told apart. Events of one
// style that follow each other within a few pixels are one row, so that a busy time can be read, and what is drawn is
// bounded by the height of the picture.

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
export interface DiagramRow {
  style: RowStyle;
  transport: Transport;
  from_ms: number;
  to_ms: number;
  /** By how much each end is drawn later than `from_ms`. */
  browser_px: number;
  server_px: number;
  /** When its events were, as far as they can be drawn apart. */
  times_ms: number[];
  /** Of a message: how long it waited until it was seen. */
  wait_ms: number;
  count: number;
  bytes: number;
  messages: number;
  /** The only one of its happenings, where there is only one. */
  single: TimelineEvent | null;
}

/** What follows nearer than this is drawn together with what it follows, as far as the row reaches. */
const NEAR_PX = 3;
const ROW_PX = 14;
/** Pushes are drawn as a band, each in its place: that may be longer, so that there is room to say how many. */
const BAND_PX = 44;
/** Lines of a band that are nearer to each other are one. */
const LINE_PX = 2;
/** How much of the room since the arrow before an arrow may fall through. */
const SLANT_SHARE = 0.45;
/** The most it may, in heights of a line of text; a long-poll asks again as soon as it is answered. */
const SLANT_LINES: Record<Transport, number> = { poll: 1.25, 'long-poll': 0.5, stream: 1.25 };
const PUSH_LINES = 0.5;
const LEAST_SLANT_PX = 2;
/** A connection is opened just before a request, and closed just after an answer. */
const BESIDE_PX = 5;

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

type RowOffset = Pick<DiagramRow, 'browser_px' | 'server_px'>;

const HERE: RowOffset = { browser_px: 0, server_px: 0 };

export class Rows {
  readonly #px_per_ms: number;
  readonly #text_px: number;
  readonly #rows = new Set<DiagramRow>();
  /** The newest of each style. */
  readonly #newest = new Map<string, DiagramRow>();
  /** How steep the present exchange is, when its last arrow was, and the connection that was opened for it. */
  #exchange = { slant_px: 0, last_ms: -Infinity, opening: null as number | null };

  /** `text_px` is the height of a line of text. */
  constructor(px_per_ms: number, text_px: number) {
    this.#px_per_ms = px_per_ms;
    this.#text_px = text_px;
  }

  get all(): Iterable<DiagramRow> {
    return this.#rows;
  }

  add(timelineEvent: TimelineEvent): { row: DiagramRow; isNew: boolean } {
    const style = rowStyle(timelineEvent);
    const { at_ms, transport, messages } = timelineEvent;
    const place = this.#place(timelineEvent);
    return this.#put(style, transport, at_ms, place, {
      bytes: timelineEvent.bytes_in + timelineEvent.bytes_out,
      messages,
      wait_ms: 0,
      single: timelineEvent,
    });
  }

  mark({ style, transport, at_ms, count, wait_ms }: Mark): { row: DiagramRow; isNew: boolean } {
    const messages = style === 'published' ? count : 0;
    return this.#put(style, transport, at_ms, HERE, { bytes: 0, messages, wait_ms, single: null });
  }

  /** Forgets what lies before `ms`, and tells what that was. */
  evict(ms: number): DiagramRow[] {
    const gone: DiagramRow[] = [];
    for (const row of this.#rows) {
      if (row.to_ms + row.wait_ms >= ms) continue;
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
    place: RowOffset,
    more: Pick<DiagramRow, 'bytes' | 'messages' | 'wait_ms' | 'single'>,
  ): { row: DiagramRow; isNew: boolean } {
    const key = `${style} ${transport}`;
    const row = this.#newest.get(key);
    if (row === undefined || !this.#joins(row, at_ms)) {
      const made: DiagramRow = {
        style,
        transport,
        from_ms: at_ms,
        to_ms: at_ms,
        times_ms: [at_ms],
        count: 1,
        ...place,
        ...more,
      };
      this.#rows.add(made);
      this.#newest.set(key, made);
      return { row: made, isNew: true };
    }
    row.count += 1;
    row.from_ms = Math.min(row.from_ms, at_ms);
    row.to_ms = Math.max(row.to_ms, at_ms);
    row.bytes += more.bytes;
    row.messages += more.messages;
    row.wait_ms = Math.max(row.wait_ms, more.wait_ms);
    row.single = null;
    if ((at_ms - (row.times_ms.at(-1) ?? at_ms)) * this.#px_per_ms >= LINE_PX) row.times_ms.push(at_ms);
    return { row, isNew: false };
  }

  #joins({ style, from_ms, to_ms }: DiagramRow, at_ms: number): boolean {
    const near_ms = NEAR_PX / this.#px_per_ms;
    const most_px = style === 'push' ? BAND_PX : ROW_PX;
    return at_ms >= from_ms && at_ms - to_ms < near_ms && (at_ms - from_ms) * this.#px_per_ms < most_px;
  }

  /** An arrow falls as far as the time since the arrow before leaves room for. */
  #place({ kind, at_ms, connection, transport }: TimelineEvent): RowOffset {
    if (kind === 'push') return { browser_px: PUSH_LINES * this.#text_px, server_px: 0 };
    const exchange = this.#exchange;
    const room_px = (at_ms - exchange.last_ms) * this.#px_per_ms * SLANT_SHARE;
    const slant_px = Math.max(
      LEAST_SLANT_PX,
      Math.min(SLANT_LINES[transport] * this.#text_px, Math.max(0, room_px)),
    );
    const isFirst = kind === 'opened' || (kind === 'request' && exchange.opening !== connection);
    exchange.slant_px = isFirst ? slant_px : Math.max(exchange.slant_px, slant_px);
    exchange.opening = kind === 'opened' ? connection : null;
    exchange.last_ms = at_ms;
    const beside_px = exchange.slant_px + BESIDE_PX;
    switch (kind) {
      case 'opened':
        return { browser_px: -beside_px, server_px: -beside_px };
      case 'request':
        return { browser_px: -exchange.slant_px, server_px: 0 };
      case 'answer':
        return { browser_px: exchange.slant_px, server_px: 0 };
      case 'closed':
        return { browser_px: beside_px, server_px: beside_px };
    }
  }
}
