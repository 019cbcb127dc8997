// A source of messages starts at a position, stops at once, and reports to one sink.

import type { Query } from '../http.ts';
import type { Position } from '../ingest.ts';
import type { Batch } from '../message.ts';
import type { Presence } from '../presence.ts';
import type { Transport } from '../transport.ts';

/** How messages arrive if not by the chosen transport itself. */
export type Fallback =
  /** The stream was open without an event for `idle_s`. Polls replace it until the next attempt at `retry_at_ms`. */
  | { why: 'mute'; idle_s: number; retry_at_ms: number }
  /** The browser has no connection left for this transport, so polls replace it. */
  | { why: 'crowded' }
  /** Another tab reads as `client`, by a stream or by polls, and forwards messages to this one. */
  | { why: 'shared'; client: string; polls: boolean }
  /** Other tabs follow this tab's stream. */
  | { why: 'sharing'; tabs: number };

/**
 * `detail` is the server's explanation, and `status` the status of its refusal, if known. `unanswered`: a request timed
 * out.
 */
export type Link =
  | { kind: 'connecting' }
  | { kind: 'live'; fallback?: Fallback }
  | {
      kind: 'reconnecting';
      why: 'network' | 'refused' | 'garbled' | 'unanswered';
      detail: string | null;
      status?: number;
    };

/** A request as the page sees it. `/trace` has the server's view of it. */
export type Exchange =
  | { kind: 'request' }
  /** `presence_bytes` is the part of `body_bytes` that presence takes. */
  | { kind: 'response'; messages: number; body_bytes: number; presence_bytes: number }
  /** A stream delivered a message or another event. Its bytes include the framing lines. */
  | { kind: 'event'; messages: number; body_bytes: number; presence_bytes: number }
  | { kind: 'failure' };

export interface Sink {
  link(link: Link): void;
  /** `by` is the transport that delivered it, if it is not the one the sink is for. */
  batch(batch: Batch, by?: Transport): void;
  presence(presence: Presence): void;
  /** `by` as for a batch. */
  exchange(exchange: Exchange, by?: Transport): void;
}

export interface Source {
  /**
   * Begins to read at `position()`, which is called for every request. If the page `hasSlept`, a source polls first: a
   * poll succeeds or fails, while a stream may stay dead without an error.
   */
  start(position: () => Position, hasSlept?: boolean): void;
  /** Ends reading; nothing reaches the sink after this returns. */
  stop(): void;
  /** Ends a pause between two attempts, as the network or the page is back. */
  reconnect(): void;
}

export interface RequestContext {
  /** The folder of the server's routes; the page's own by default. */
  url?: string;
  /** Several rooms are read with one cursor. */
  room: string | readonly string[];
  client: string;
  /** Further parameters, called for each request. */
  query?: () => Query;
}

/** Forwards everything to `sink`, except for the methods in `instead`. */
export function createForwardingSink(sink: Sink, instead: Partial<Sink>): Sink {
  return {
    link: (link) => sink.link(link),
    batch: (batch, by) => sink.batch(batch, by),
    presence: (presence) => sink.presence(presence),
    exchange: (exchange, by) => sink.exchange(exchange, by),
    ...instead,
  };
}

/** A sink for polls that replace another transport. */
export function createSubstituteSink(sink: Sink, instead: Partial<Sink> = {}): Sink {
  return createForwardingSink(sink, {
    batch: (batch) => sink.batch(batch, 'poll'),
    exchange: (exchange) => sink.exchange(exchange, 'poll'),
    ...instead,
  });
}
