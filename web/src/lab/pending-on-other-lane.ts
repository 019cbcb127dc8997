// What one of two lanes has seen and the other has not: the messages that are still on their way to it.

/** Messages remembered for the other lane. Beyond that they are not worth counting. */
const KEPT = 1_000;

export class PendingMessages {
  readonly #missing: [Set<string>, Set<string>] = [new Set(), new Set()];
  readonly #seen: [Set<string>, Set<string>] = [new Set(), new Set()];

  /** Lane 0 or 1 has seen these, by cursor. */
  saw(lane: 0 | 1, cursors: readonly string[]): void {
    const other = lane === 0 ? 1 : 0;
    for (const cursor of cursors) {
      this.#missing[lane].delete(cursor);
      keep(this.#seen[lane], cursor);
      if (!this.#seen[other].has(cursor)) keep(this.#missing[other], cursor);
    }
  }

  /** How many the lane has not seen yet. */
  missing(lane: 0 | 1): number {
    return this.#missing[lane].size;
  }

  /** The lane was told of a gap: what it lacks may never come. */
  gap(lane: 0 | 1): void {
    this.#missing[lane].clear();
  }

  /** Nothing is read for a while. */
  forget(): void {
    for (const set of [...this.#missing, ...this.#seen]) set.clear();
  }
}

function keep(set: Set<string>, cursor: string): void {
  set.add(cursor);
  for (const oldest of set) {
    if (set.size <= KEPT) break;
    set.delete(oldest);
  }
}
