// A source of messages starts at a position, stops at once, and reports to one sink.

import type { Query } from '../http.ts';
import type { Position } from '../ingest.ts';
import type { Batch } from '../message.ts';
import type { Presence } from '../presence.ts';
import type { Transport } from '../transport.ts';

/** How messages come if not by the chosen transport itself. */
export type Fallback =
  /** The stream is open and brought nothing for `idle_s`: polls stand in, and it is tried again at `retry_at_ms`. */
  | { why: 'mute'; idle_s: number; retry_at_ms: number }
  /** The browser has no connection to spare for this transport: polls stand in. */
  | { why: 'crowded' }
  /** Another tab reads the stream as `client`, or `polls` in its place, and passes messages on. */
  | { why: 'shared'; client: string; polls: boolean }
  /** Other tabs read along with this tab's stream. */
  | { why: 'sharing'; tabs: number };

/**
 * `reconnecting` carries the server's own sentence if it gave one. `unanswered`: a request got no answer at all, not
 * even a refusal.
 */
export type Link =
  | { kind: 'connecting' }
  | { kind: 'live'; fallback?: Fallback }
  | { kind: 'reconnecting'; why: 'network' | 'refused' | 'garbled' | 'unanswered'; detail: string | null };

/** A request as the page sees it. `/trace` has the server's view, with bytes. */
export type Exchange =
  | { kind: 'asked' }
  /** `body_bytes` is what the answer's body weighs, `presence_bytes` what of it says who is in the room. */
  | { kind: 'answered'; messages: number; body_bytes: number; presence_bytes: number }
  /** A stream brought a message or another event. Its bytes are with its framing lines. */
  | { kind: 'pushed'; messages: number; body_bytes: number; presence_bytes: number }
  | { kind: 'failed' };

export interface Sink {
  link(link: Link): void;
  /** `by` is the transport that brought it, if it is not the one the sink is for. */
  batch(batch: Batch, by?: Transport): void;
  presence(presence: Presence): void;
  /** `by` as for a batch. */
  exchange(exchange: Exchange, by?: Transport): void;
}

export interface Source {
  /**
   * Begins to read at `position()`, which is called for every request. After a sleep of the page a source polls
   * first: a poll is answered or fails, while a stream may stay dead without an error.
   */
  start(position: () => Position, slept?: boolean): void;
  /** Ends reading; nothing reaches the sink after this returns. */
  stop(): void;
  /** Ends a pause between two attempts: the network or the page has come back. */
  reconnect(): void;
}

export interface RequestContext {
  /** The folder of the server's routes; without it they are beside the page. */
  url?: string;
  /** Several are read with one cursor. */
  room: string | readonly string[];
  client: string;
  /** Further parameters, called for each request. */
  query?: () => Query;
}

/** Passes everything on to `sink`, except for the methods in `instead`. */
export function forwardingSink(sink: Sink, instead: Partial<Sink>): Sink {
  return {
    link: (link) => sink.link(link),
    batch: (batch, by) => sink.batch(batch, by),
    presence: (presence) => sink.presence(presence),
    exchange: (exchange, by) => sink.exchange(exchange, by),
    ...instead,
  };
}

/** For polls that stand in for another transport. */
export function substituteSink(sink: Sink, instead: Partial<Sink> = {}): Sink {
  return forwardingSink(sink, {
    batch: (batch) => sink.batch(batch, 'poll'),
    exchange: (exchange) => sink.exchange(exchange, 'poll'),
    ...instead,
  });
}
