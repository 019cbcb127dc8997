// What every source of messages is: something that starts at a place, stops at once, and reports to one sink.

import type { Query } from '../http.ts';
import type { Position } from '../ingest.ts';
import type { Batch } from '../message.ts';
import type { Presence } from '../presence.ts';
import type { Transport } from '../transport.ts';

/** What is otherwise than the transport says, while messages come all the same. */
export type Fallback =
  /** The stream is open and brought nothing for so long: polls stand in, and it is tried again at `again_at_ms`. */
  | { why: 'mute'; idle_s: number; retry_at_ms: number }
  /** The browser has no connection to spare for this transport: polls stand in. */
  | { why: 'crowded' }
  /** Another tab reads the stream, or `polls` in its place, on that client's account, and passes on what comes. */
  | { why: 'shared'; client: string; polls: boolean }
  /** So many other tabs read along. */
  | { why: 'sharing'; tabs: number };

/**
 * `reconnecting` carries the server's own sentence where it gave one. `unanswered` is a request that nothing
 * came back for, not even a refusal.
 */
export type Link =
  | { kind: 'connecting' }
  | { kind: 'live'; fallback?: Fallback }
  | { kind: 'reconnecting'; why: 'network' | 'refused' | 'garbled' | 'unanswered'; detail: string | null };

/** What the page itself saw of a request. The server's view, with bytes, is `/trace`. */
export type Exchange =
  | { kind: 'asked' }
  | { kind: 'answered'; messages: number }
  /** A stream brought something: a message, or another event. */
  | { kind: 'pushed'; messages: number }
  | { kind: 'failed' };

export interface Sink {
  link(link: Link): void;
  /** `by` is what brought it, where that is not the transport the sink is for. */
  batch(batch: Batch, by?: Transport): void;
  presence(presence: Presence): void;
  exchange(exchange: Exchange): void;
}

export interface Source {
  /**
   * Begins to read at `place()`, which is asked again for every request. After a sleep of the page the first thing
   * to do is one poll: it is answered, or fails, where a stream may stay dead without a word.
   */
  start(position: () => Position, slept?: boolean): void;
  /** Ends reading; nothing reaches the sink after this returns. */
  stop(): void;
  /** Ends a pause between two attempts: the network or the page has come back. */
  reconnect(): void;
}

export interface RequestContext {
  /** The folder of the server's routes; beside the page without it. */
  url?: string;
  room: string;
  client: string;
  /** What else each request is to ask for, read anew for each. */
  query?: () => Query;
}

/** Passes all on to `sink` but what is done `instead`. */
export function passing(sink: Sink, instead: Partial<Sink>): Sink {
  return {
    link: (link) => sink.link(link),
    batch: (batch, by) => sink.batch(batch, by),
    presence: (presence) => sink.presence(presence),
    exchange: (exchange) => sink.exchange(exchange),
    ...instead,
  };
}

/** For polls that stand in for another transport. */
export function polled(sink: Sink, instead: Partial<Sink> = {}): Sink {
  return passing(sink, { batch: (batch) => sink.batch(batch, 'poll'), ...instead });
}
