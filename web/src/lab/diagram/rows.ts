// Computes where an event is drawn on the diagram, and groups events that are too close.
//
// The server end of an arrow is at the server's time of the event. The browser end is a few pixels earlier for a request
// and later for an answer or a push, so that they can be distinguished; this slant does not show a time. Events of one
// style within a few pixels form one row, so that busy periods stay readable and the number of rows is bounded by the
// diagram's height.

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
  /** How far below `from_ms` each end is drawn. */
  browser_px: number;
  server_px: number;
  /** The times of its events that are far enough apart to be drawn separately. */
  times_ms: number[];
  /** For `published`: how long the message waited until it was seen. */
  wait_ms: number;
  count: number;
  bytes: number;
  messages: number;
  /** Its event, if it has only one. */
  single: TimelineEvent | null;
}

/** An event closer than this to a row's last event joins the row, up to the row's maximum height. */
const NEAR_PX = 3;
const ROW_PX = 14;
/** Pushes are drawn as a band of lines, which may be higher, so that a label fits. */
const BAND_PX = 44;
/** Lines of a band that are closer than this are drawn as one. */
const LINE_PX = 2;
/** The slant of an arrow, as a share of the distance to the previous arrow. */
const SLANT_SHARE = 0.45;
/** The maximum slant, in line heights. It is small, as a steep arrow looks like a slow network. */
const SLANT_LINES = 0.35;
const PUSH_LINES = 0.3;
const LEAST_SLANT_PX = 2;
/** Opening a connection is drawn this far before its request, closing it this far after its answer. */
const BESIDE_PX = 5;

export function getRowStyle(timelineEvent: TimelineEvent): RowStyle {
  switch (timelineEvent.kind) {
    case 'opened':
      return timelineEvent.isReconnect ? 'reconnected' : 'opened';
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

const NO_OFFSET: RowOffset = { browser_px: 0, server_px: 0 };

export class Rows {
  readonly #px_per_ms: number;
  readonly #text_px: number;
  readonly #rows = new Set<DiagramRow>();
  /** The newest row by style and transport. */
  readonly #newest = new Map<string, DiagramRow>();
  /** The current exchange: its slant, the time of its last arrow, and the connection that was opened for it. */
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
    const style = getRowStyle(timelineEvent);
    const { at_ms, transport, messages } = timelineEvent;
    const offset = this.#computeOffset(timelineEvent);
    return this.#addToRow(style, transport, at_ms, offset, {
      bytes: timelineEvent.bytes_in + timelineEvent.bytes_out,
      messages,
      wait_ms: 0,
      single: timelineEvent,
    });
  }

  mark({ style, transport, at_ms, count, wait_ms }: Mark): { row: DiagramRow; isNew: boolean } {
    const messages = style === 'published' ? count : 0;
    return this.#addToRow(style, transport, at_ms, NO_OFFSET, { bytes: 0, messages, wait_ms, single: null });
  }

  /** Deletes rows that end before `ms`, and returns them. */
  evict(ms: number): DiagramRow[] {
    const evicted: DiagramRow[] = [];
    for (const row of this.#rows) {
      if (row.to_ms + row.wait_ms >= ms) continue;
      this.#rows.delete(row);
      evicted.push(row);
    }
    for (const [key, row] of this.#newest) if (!this.#rows.has(row)) this.#newest.delete(key);
    return evicted;
  }

  #addToRow(
    style: RowStyle,
    transport: Transport,
    at_ms: number,
    offset: RowOffset,
    more: Pick<DiagramRow, 'bytes' | 'messages' | 'wait_ms' | 'single'>,
  ): { row: DiagramRow; isNew: boolean } {
    const key = `${style} ${transport}`;
    const row = this.#newest.get(key);
    if (row === undefined || !this.#joins(row, at_ms)) {
      const newRow: DiagramRow = {
        style,
        transport,
        from_ms: at_ms,
        to_ms: at_ms,
        times_ms: [at_ms],
        count: 1,
        ...offset,
        ...more,
      };
      this.#rows.add(newRow);
      this.#newest.set(key, newRow);
      return { row: newRow, isNew: true };
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

  /** An arrow's slant grows with the time since the previous arrow. */
  #computeOffset({ kind, at_ms, connection }: TimelineEvent): RowOffset {
    if (kind === 'push') return { browser_px: PUSH_LINES * this.#text_px, server_px: 0 };
    const exchange = this.#exchange;
    const available_px = (at_ms - exchange.last_ms) * this.#px_per_ms * SLANT_SHARE;
    const slant_px = Math.max(
      LEAST_SLANT_PX,
      Math.min(SLANT_LINES * this.#text_px, Math.max(0, available_px)),
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
