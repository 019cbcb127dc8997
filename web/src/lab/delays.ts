// How long messages took from being published to being seen by one lane.
//
// For this page's own messages its clock measures both ends. Either may come first: a stream often delivers a message
// before the publish request is answered. For other messages, the server's time of the message is converted to this
// page's clock, with an uncertainty. A message published before the lane began, while the page had stopped it, or before
// it changed to the transport that delivers it, has no delay, as the transport did not cause that time.

import { type Delay, parseEpochMs, type ServerClock } from './clock.ts';
import type { Message } from '../client/message.ts';
import type { Transport } from '../client/transport.ts';

/** How many of the newest messages are kept. */
const MAX_MESSAGES = 1_000;

export interface DelayFigures {
  median_ms: number;
  /** The 95th percentile. */
  p95_ms: number;
  messages: number;
}

interface Seen {
  at_ms: number;
  /** What delivered the message, and what was chosen then. */
  transport: Transport;
  chosen: Transport;
}

export class Delays {
  readonly #clock: ServerClock;
  #began_ms: number;
  /** Messages that this page sent before this time have no delay. */
  #excludedUntil_ms = -Infinity;
  /** When this page's own messages were sent, by cursor. */
  readonly #sent = new Map<string, number>();
  readonly #expected = new Set<string>();
  readonly #seen = new Map<string, Seen>();
  /** By the transport that delivered a message, and by the one that was chosen then, which polls may have replaced. */
  readonly #known = createMaps();
  readonly #chosen = createMaps();
  #transport: Transport = 'poll';

  /** `started_ms` is when the lane began to read, by `performance.now()`. */
  constructor(clock: ServerClock, started_ms: number) {
    this.#clock = clock;
    this.#began_ms = started_ms;
  }

  /** `changed_ms` is when the lane changed to it from another transport, if it did. */
  setTransport(transport: Transport, changed_ms?: number): void {
    this.#transport = transport;
    if (changed_ms !== undefined) this.#began_ms = this.#excludedUntil_ms = changed_ms;
  }

  /** The lane reads again from `started_ms` on, after the page had stopped it. */
  resume(started_ms: number): void {
    this.#began_ms = started_ms;
    this.#excludedUntil_ms = started_ms;
    this.#expected.clear();
  }

  /** The number of this page's own messages that are published but not yet seen. */
  get expected(): number {
    return this.#expected.size;
  }

  /** Call when this page has published a message. Returns its delay if the lane has seen it already. */
  recordSent(cursor: string, sent_ms: number): Delay | null {
    this.#sent.set(cursor, sent_ms);
    dropOldest(this.#sent);
    const seen = this.#seen.get(cursor);
    if (seen !== undefined) {
      const isExcluded = sent_ms < this.#excludedUntil_ms && seen.at_ms >= this.#excludedUntil_ms;
      return isExcluded ? null : this.#recordOwn(cursor, seen, seen.at_ms - sent_ms);
    }
    this.#expected.add(cursor);
    return null;
  }

  recordSeen({ cursor, sent_at }: Message, transport: Transport, at_ms: number): Delay | null {
    const seen = { at_ms, transport, chosen: this.#transport };
    this.#seen.set(cursor, seen);
    dropOldest(this.#seen);
    const sent_ms = this.#sent.get(cursor);
    if (sent_ms !== undefined) {
      this.#expected.delete(cursor);
      if (sent_ms < this.#excludedUntil_ms) return null;
      return this.#recordOwn(cursor, seen, at_ms - sent_ms);
    }
    const published = this.#clock.local(parseEpochMs(sent_at), at_ms);
    if (published === null || published.at_ms < this.#began_ms) return null;
    const { uncertainty_ms } = published;
    return this.#record(cursor, seen, { ms: Math.max(0, at_ms - published.at_ms), uncertainty_ms });
  }

  /** Whether this page published it, as far as is known so far. */
  isOwn(cursor: string): boolean {
    return this.#sent.has(cursor);
  }

  /** Call if the log was lost or pruned, so that expected messages may never come. */
  clearExpected(): void {
    this.#expected.clear();
  }

  /** Over messages that `transport` delivered or, with `chosen`, over all that arrived while it was chosen. */
  summarize(transport: Transport, chosen = false): DelayFigures | null {
    const known = chosen ? this.#chosen : this.#known;
    const delays = [...known[transport].values()].map(({ ms }) => ms).sort((a, b) => a - b);
    if (delays.length === 0) return null;
    return {
      median_ms: quantile(delays, 0.5),
      p95_ms: quantile(delays, 0.95),
      messages: delays.length,
    };
  }

  #recordOwn(cursor: string, seen: Seen, ms: number): Delay {
    return this.#record(cursor, seen, { ms, uncertainty_ms: 0 });
  }

  #record(cursor: string, { transport, chosen }: Seen, delay: Delay): Delay {
    for (const known of [this.#known[transport], this.#chosen[chosen]]) {
      known.set(cursor, delay);
      dropOldest(known);
    }
    return delay;
  }
}

function createMaps(): Record<Transport, Map<string, Delay>> {
  return { poll: new Map(), 'long-poll': new Map(), stream: new Map() };
}

/** By the nearest-rank method. `sorted` must not be empty. */
export function quantile(sorted: ArrayLike<number>, part: number): number {
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? 0;
}

/** Deletes the oldest entries, which come first as a map keeps the order of insertion. */
function dropOldest(map: Map<string, unknown>): void {
  for (const key of map.keys()) {
    if (map.size <= MAX_MESSAGES) break;
    map.delete(key);
  }
}
