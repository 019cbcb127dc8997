// Two visitors that leave at the same moment: one polls, one has a stream. They are real clients of the room.

import { ServerClock } from './clock.ts';
import { Lane, type LaneParts } from './lane.ts';
import type { Presence } from '../client/presence.ts';
import { INTERVAL_S } from './interval-scale.ts';
import type { Transport } from '../client/transport.ts';

/** Does not measure the visitors' cost. */
const watchNothing: NonNullable<LaneParts['watch']> = () => ({ start() {}, pause() {}, end() {} });

/** Visitors leave after this even if presence has not listed them. */
const MAX_STAY_MS = 15_000;

export class DepartureDemo {
  readonly lanes: Partial<Record<Transport, Lane>>;
  readonly #onLeave: (client: string) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #hasJoined = false;

  /** Calls `onLeave` for each visitor that leaves. */
  constructor(room: string, author: string, onLeave: (client: string) => void) {
    const clock = new ServerClock();
    const createVisitor = () => {
      const lane = new Lane({ room, clock, watch: watchNothing });
      lane.setParameters({ author, last: 0 });
      return lane;
    };
    this.lanes = { poll: createVisitor(), stream: createVisitor() };
    this.#onLeave = onLeave;
  }

  join(): void {
    this.#hasJoined = true;
    this.lanes.poll?.setInterval(INTERVAL_S.initial);
    for (const transport of ['poll', 'stream'] as const) this.lanes[transport]?.use(transport);
    this.#timer = setTimeout(() => this.leave(), MAX_STAY_MS);
  }

  /** Makes both leave once presence lists them. */
  update({ present }: Presence): void {
    const here = new Set(present.map(({ client }) => client));
    if (this.#hasJoined && Object.values(this.lanes).every(({ client }) => here.has(client))) this.leave();
  }

  leave(): void {
    if (!this.#hasJoined) return;
    this.#hasJoined = false;
    clearTimeout(this.#timer);
    for (const lane of Object.values(this.lanes)) {
      lane.stop();
      this.#onLeave(lane.client);
    }
  }
}
