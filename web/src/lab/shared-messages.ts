// Tracks when each of several lanes saw each message, and which messages a lane still lacks. Lanes are numbered from 0.

import { quantile } from './delays.ts';

/** How many of the newest messages are tracked. */
const MAX_MESSAGES = 1_000;

/** A lane's delay of a message in ms; null if it is not comparable; undefined if the lane has not seen the message. */
type SeenDelay = number | null | undefined;

interface TrackedMessage {
  /** By `performance.now()`; null until a lane reports a delay. */
  published_ms: number | null;
  seen: SeenDelay[];
}

export class SharedMessages {
  readonly #lanes: number;
  readonly #entries = new Map<string, TrackedMessage>();

  constructor(lanes: number) {
    this.#lanes = lanes;
  }

  /** A lane saw a message at `at_ms`; `delay_ms` is null if it was published before the lane began. */
  recordSeen(lane: number, cursor: string, delay_ms: number | null, at_ms: number): void {
    const entry = this.#entries.get(cursor) ?? {
      published_ms: null,
      seen: Array.from({ length: this.#lanes }, (): SeenDelay => undefined),
    };
    entry.seen[lane] = delay_ms;
    if (delay_ms !== null) entry.published_ms ??= at_ms - delay_ms;
    this.#entries.set(cursor, entry);
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= MAX_MESSAGES) break;
      this.#entries.delete(oldest);
    }
  }

  /** Replaces the delay of a message by the true one, as this page published it. */
  correct(lane: number, cursor: string, delay_ms: number): void {
    const entry = this.#entries.get(cursor);
    if (typeof entry?.seen[lane] === 'number') entry.seen[lane] = delay_ms;
  }

  /** The number of messages that another lane has seen and this one has not. */
  countMissing(lane: number): number {
    return this.#count(({ seen }) => seen[lane] === undefined);
  }

  /** The number of messages that all lanes have seen since they began. */
  get seenByAll(): number {
    return this.#count(({ seen }) => seen.every((delay) => typeof delay === 'number'));
  }

  /** How long the oldest message that a lane lacks has been waiting; null if it lacks none. */
  longestWait_ms(lane: number, now_ms: number): number | null {
    let published_ms = Infinity;
    for (const entry of this.#entries.values())
      if (entry.seen[lane] === undefined && entry.published_ms !== null)
        published_ms = Math.min(published_ms, entry.published_ms);
    return published_ms === Infinity ? null : now_ms - published_ms;
  }

  /**
   * The median delay of a lane over the messages published since all lanes began. A message that the lane still lacks
   * counts with its delay so far.
   */
  median_ms(lane: number, now_ms: number): number | null {
    const delays: number[] = [];
    for (const { published_ms, seen } of this.#entries.values()) {
      if (published_ms === null || seen.includes(null)) continue;
      delays.push(seen[lane] ?? Math.max(0, now_ms - published_ms));
    }
    return delays.length === 0
      ? null
      : quantile(
          delays.sort((a, b) => a - b),
          0.5,
        );
  }

  /** The lane had a gap, so the messages that it lacks may never come. */
  recordGap(lane: number): void {
    for (const { seen } of this.#entries.values()) if (seen[lane] === undefined) seen[lane] = null;
  }

  clear(): void {
    this.#entries.clear();
  }

  #count(which: (entry: TrackedMessage) => boolean): number {
    let count = 0;
    for (const entry of this.#entries.values()) if (which(entry)) count += 1;
    return count;
  }
}
