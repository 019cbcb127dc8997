// How long it takes until a departure is noticed: from the moment a client really left, where that is known, to the
// first news of the room without it.

import type { Guest, Presence } from '../client/presence.ts';

export interface Departure {
  guest: Guest;
  /** From leaving to the news of it; null where nobody said when it left. */
  noticed_ms: number | null;
}

/** Who leaves without being in the room's news again is forgotten after this. */
const KEPT_MS = 10 * 60_000;

export class Departures {
  #present = new Map<string, Guest>();
  /** When clients left, by `performance.now()`. */
  readonly #left = new Map<string, number>();

  /** A client has really left just now, or at `at_ms`. */
  left(client: string, at_ms: number): void {
    this.#left.set(client, at_ms);
    for (const [each, since_ms] of this.#left) if (at_ms - since_ms > KEPT_MS) this.#left.delete(each);
  }

  /** News of the room; tells who is gone since the last. `count` above those listed makes absence no proof. */
  news({ count, present }: Presence, at_ms: number): Departure[] {
    const now = new Map(present.map((guest) => [guest.client, guest]));
    const complete = count <= present.length;
    const gone = complete ? [...this.#present.values()].filter(({ client }) => !now.has(client)) : [];
    this.#present = now;
    return gone.map((guest) => {
      const left_ms = this.#left.get(guest.client);
      this.#left.delete(guest.client);
      return { guest, noticed_ms: left_ms === undefined ? null : Math.max(0, at_ms - left_ms) };
    });
  }

  /** There will be no news for a while: who is gone by then did not leave under its eyes. */
  rest(): void {
    this.#present = new Map();
  }
}
