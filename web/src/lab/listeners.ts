// The events of a lane, and its listeners.

import type { Stats, SeenMessage } from './client-stats.ts';
import type { Delay } from './clock.ts';
import type { MissingReason } from './ledger.ts';
import type { Reset } from '../client/message.ts';
import type { Presence } from '../client/presence.ts';
import type { Exchange, Link } from '../client/sources/source.ts';
import type { Transport } from '../client/transport.ts';

/** Each `at_ms` is by `performance.now()`. */
export interface LaneListener {
  /** A transport was chosen, and is not connected yet. */
  transport?(transport: Transport, at_ms: number): void;
  /** The lane is another client now, whose figures begin at zero. */
  client?(label: string): void;
  link?(link: Link, transport: Transport, at_ms: number): void;
  exchange?(exchange: Exchange, transport: Transport, at_ms: number): void;
  messages?(seen: SeenMessage[], transport: Transport, at_ms: number): void;
  /** A message seen before turned out to be this page's own; `delay` is its true delay. */
  own?(cursor: string, delay: Delay): void;
  /** Messages may be missing between those before and after this call. */
  gap?(reason: Reset, transport: Transport): void;
  /** New stats, once a second; or null and the reason why there are none. */
  stats?(stats: Stats | null, at_ms: number, missing: MissingReason | null): void;
  presence?(presence: Presence, at_ms: number): void;
  /** How many of this page's own messages are published but not yet seen by this lane. */
  expected?(messages: number): void;
  /** Reading has stopped until a transport is chosen again. */
  stopped?(): void;
}

export class Listeners {
  readonly #all = new Set<LaneListener>();

  /** Returns a function that removes it. */
  add(listener: LaneListener): () => void {
    this.#all.add(listener);
    return () => this.#all.delete(listener);
  }

  emit(what: (to: LaneListener) => void): void {
    for (const listener of this.#all) what(listener);
  }
}
