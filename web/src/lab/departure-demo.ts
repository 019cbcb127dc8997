// Two visitors that leave at the same moment: one polls, one has a stream. They are real clients of the room.

import { ServerClock } from './clock.ts';
import { Lane, type LaneParts } from './lane.ts';
import type { Presence } from '../client/presence.ts';
import { INTERVAL_S } from './interval-scale.ts';
import type { Transport } from '../client/transport.ts';

/** Does not measure the visitors' cost. */
const unwatched: NonNullable<LaneParts['watch']> = () => ({ start() {}, pause() {}, end() {} });

/** Visitors leave after this even if presence has not listed them. */
const LONGEST_MS = 15_000;

export class DepartureDemo {
  readonly lanes: Partial<Record<Transport, Lane>>;
  readonly #left: (client: string) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #here = false;

  /** Calls `left` for each visitor that leaves. */
  constructor(room: string, author: string, left: (client: string) => void) {
    const clock = new ServerClock();
    const visitor = () => {
      const lane = new Lane({ room, clock, watch: unwatched });
      lane.ask({ author, last: 0 });
      return lane;
    };
    this.lanes = { poll: visitor(), stream: visitor() };
    this.#left = left;
  }

  join(): void {
    this.#here = true;
    this.lanes.poll?.setInterval(INTERVAL_S.initial);
    for (const transport of ['poll', 'stream'] as const) this.lanes[transport]?.use(transport);
    this.#timer = setTimeout(() => this.leave(), LONGEST_MS);
  }

  /** Makes both leave once presence lists them. */
  update({ present }: Presence): void {
    const here = new Set(present.map(({ client }) => client));
    if (this.#here && Object.values(this.lanes).every(({ client }) => here.has(client))) this.leave();
  }

  leave(): void {
    if (!this.#here) return;
    this.#here = false;
    clearTimeout(this.#timer);
    for (const lane of Object.values(this.lanes)) {
      lane.stop();
      this.#left(lane.client);
    }
  }
}
