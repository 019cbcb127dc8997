// The messages that several lanes read from one log: when each lane saw each of them, and which are still on their
// way to one. Lanes are told by their number, from 0.

import { quantile } from './delays.ts';

/** Messages remembered. Beyond that they are not worth counting. */
const KEPT = 1_000;

/** Of one lane: after how many milliseconds it saw the message; null if that says nothing; undefined: not yet. */
type SeenDelay = number | null | undefined;

interface TrackedMessage {
  /** By `performance.now()`; null while no lane has told a delay. */
  published_ms: number | null;
  seen: SeenDelay[];
}

export class SharedMessages {
  readonly #lanes: number;
  readonly #entries = new Map<string, TrackedMessage>();

  constructor(lanes: number) {
    this.#lanes = lanes;
  }

  /** A lane has seen a message at `at_ms`; `delay_ms` is null for one from before the lane began. */
  saw(lane: number, cursor: string, delay_ms: number | null, at_ms: number): void {
    const entry = this.#entries.get(cursor) ?? {
      published_ms: null,
      seen: Array.from({ length: this.#lanes }, (): SeenDelay => undefined),
    };
    entry.seen[lane] = delay_ms;
    if (delay_ms !== null) entry.published_ms ??= at_ms - delay_ms;
    this.#entries.set(cursor, entry);
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= KEPT) break;
      this.#entries.delete(oldest);
    }
  }

  /** The true delay of a message that a lane has seen already: this page published it. */
  correct(lane: number, cursor: string, delay_ms: number): void {
    const entry = this.#entries.get(cursor);
    if (typeof entry?.seen[lane] === 'number') entry.seen[lane] = delay_ms;
  }

  /** How many a lane has not seen yet that another has. */
  missing(lane: number): number {
    return this.#count(({ seen }) => seen[lane] === undefined);
  }

  /** How many all lanes have seen since they began. */
  get seenByAll(): number {
    return this.#count(({ seen }) => seen.every((delay) => typeof delay === 'number'));
  }

  /** For how long the oldest message has been waiting that a lane has not seen; null if none waits. */
  longestWait_ms(lane: number, now_ms: number): number | null {
    let published_ms = Infinity;
    for (const entry of this.#entries.values())
      if (entry.seen[lane] === undefined && entry.published_ms !== null)
        published_ms = Math.min(published_ms, entry.published_ms);
    return published_ms === Infinity ? null : now_ms - published_ms;
  }

  /**
   * The median delay of a lane, over the same messages for every lane: those that were published since all began. What
   * still waits counts as late as it is by now.
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

  /** The lane was told of a gap: what it lacks may never come. */
  gap(lane: number): void {
    for (const { seen } of this.#entries.values()) if (seen[lane] === undefined) seen[lane] = null;
  }

  /** Nothing of what was is compared any more. */
  clear(): void {
    this.#entries.clear();
  }

  #count(which: (entry: TrackedMessage) => boolean): number {
    let count = 0;
    for (const entry of this.#entries.values()) if (which(entry)) count += 1;
    return count;
  }
}
