// How long it takes until a departure is noticed: from the moment a client really left, where that is known, to the
// first news of the room without it.

import type { PresentClient, Presence } from '../client/presence.ts';

export interface Departure {
  reader: PresentClient;
  /** From leaving to the news of it; null where nobody said when it left. */
  noticed_ms: number | null;
}

/** Who leaves without being in the room's news again is forgotten after this. */
const KEPT_MS = 10 * 60_000;

export class DepartureTiming {
  #present = new Map<string, PresentClient>();
  /** When clients left, by `performance.now()`. */
  readonly #left = new Map<string, number>();

  /** A client has really left just now, or at `at_ms`. */
  left(client: string, at_ms: number): void {
    this.#left.set(client, at_ms);
    for (const [each, since_ms] of this.#left) if (at_ms - since_ms > KEPT_MS) this.#left.delete(each);
  }

  /** News of the room; tells who is gone since the last. `count` above those listed makes absence no proof. */
  update({ count, present }: Presence, at_ms: number): Departure[] {
    const now = new Map(present.map((reader) => [reader.client, reader]));
    const complete = count <= present.length;
    const gone = complete ? [...this.#present.values()].filter(({ client }) => !now.has(client)) : [];
    this.#present = now;
    return gone.map((reader) => {
      const left_ms = this.#left.get(reader.client);
      this.#left.delete(reader.client);
      return { reader, noticed_ms: left_ms === undefined ? null : Math.max(0, at_ms - left_ms) };
    });
  }

  /** There will be no news for a while: who is gone by then did not leave under its eyes. */
  pause(): void {
    this.#present = new Map();
  }
}
