// What every source of messages is: something that starts at a place, stops at once, and reports to one sink.

import type { Query } from '../http.ts';
import type { Place } from '../ingest.ts';
import type { Batch } from '../message.ts';
import type { Presence } from '../presence.ts';

/** `reconnecting` carries the server's own sentence where it gave one. */
export type Link =
  | { kind: 'connecting' }
  | { kind: 'live' }
  | { kind: 'reconnecting'; why: 'network' | 'refused' | 'garbled'; detail: string | null };

/** What the page itself saw of a request. The server's view, with bytes, is `/trace`. */
export type Exchange =
  | { kind: 'asked' }
  | { kind: 'answered'; messages: number }
  /** A stream brought something: a message, or another event. */
  | { kind: 'pushed'; messages: number }
  | { kind: 'failed' };

export interface Sink {
  link(link: Link): void;
  batch(batch: Batch): void;
  presence(presence: Presence): void;
  exchange(exchange: Exchange): void;
}

export interface Source {
  /** Begins to read at `place()`, which is asked again for every request. */
  start(place: () => Place): void;
  /** Ends reading; nothing reaches the sink after this returns. */
  stop(): void;
  /** Ends a pause between two attempts: the network or the page has come back. */
  wake(): void;
}

export interface Reader {
  room: string;
  client: string;
  /** What else each request is to ask for, read anew for each. */
  query?: () => Query;
}
