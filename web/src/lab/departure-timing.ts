// Measures how long a departure takes to be noticed: from the moment a client leaves, if that is known, to the first
// presence without it.

import type { PresentClient, Presence } from '../client/presence.ts';

export interface Departure {
  reader: PresentClient;
  /** From leaving to the first presence without it; null if the time of leaving is unknown. */
  noticed_ms: number | null;
}

/** A departure that presence never shows is dropped after this. */
const MAX_AGE_MS = 10 * 60_000;

export class DepartureTiming {
  #present = new Map<string, PresentClient>();
  /** When clients left, by `performance.now()`. */
  readonly #left = new Map<string, number>();

  recordDeparture(client: string, at_ms: number): void {
    this.#left.set(client, at_ms);
    for (const [each, since_ms] of this.#left) if (at_ms - since_ms > MAX_AGE_MS) this.#left.delete(each);
  }

  /** Returns the clients missing since the last presence. A list shorter than `count` proves no absence. */
  update({ count, present }: Presence, at_ms: number): Departure[] {
    const now = new Map(present.map((reader) => [reader.client, reader]));
    const isComplete = count <= present.length;
    const departed = isComplete ? [...this.#present.values()].filter(({ client }) => !now.has(client)) : [];
    this.#present = now;
    return departed.map((reader) => {
      const left_ms = this.#left.get(reader.client);
      this.#left.delete(reader.client);
      return { reader, noticed_ms: left_ms === undefined ? null : Math.max(0, at_ms - left_ms) };
    });
  }

  /** Forgets who was present, as no presence will come for a while. */
  pause(): void {
    this.#present = new Map();
  }
}
