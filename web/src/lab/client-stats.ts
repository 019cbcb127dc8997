// The figures of one client: what its reading cost, as the server counts it, and how long its messages took, as this
// page measures it. A lane that becomes another client starts new ones.

import type { Delay, ServerClock } from './clock.ts';
import { type DelayFigures, Delays } from './delays.ts';
import {
  combine,
  type Cost,
  type Figures,
  type MissingReason,
  NO_COST,
  NO_FIGURES,
  type WatchFigures,
} from './ledger.ts';
import type { Message } from '../client/message.ts';
import type { Transport } from '../client/transport.ts';

/** A message as a lane saw it. */
export interface SeenMessage {
  message: Message;
  /** Null for a message from before the lane began or while it was stopped, and until the server's clock is known. */
  delay: Delay | null;
  /** Known to be this page's own. It may become known later. */
  own: boolean;
}

/** What reading with the chosen transport cost: its own requests and the polls that stood in for it. */
export interface ChosenTransportStats {
  cost: Cost;
  /** The part of it that the polls are. */
  polls: Cost;
  delays: DelayFigures | null;
}

/** A client's figures at one moment: the server's, and the delays that were measured here. */
export interface Stats extends Figures {
  delays: Record<Transport, DelayFigures | null>;
  used: ChosenTransportStats;
  /** When they arrived, by `performance.now()`; null before the first. */
  told_ms: number | null;
}

/** What this page has read of a transport's bodies. */
type BodyBytes = Pick<Cost, 'body_bytes' | 'presence_bytes'>;

const NO_BODIES: BodyBytes = { body_bytes: 0, presence_bytes: 0 };

export class ClientStats {
  /** The label under which the server counts. */
  readonly client: string;
  readonly #delays: Delays;
  readonly #ledger: ReturnType<WatchFigures>;
  #using: Transport = 'poll';
  #figures: Figures = NO_FIGURES;
  /** What the bodies of each transport's answers have weighed. */
  readonly #bodies: Record<Transport, BodyBytes> = {
    poll: NO_BODIES,
    'long-poll': NO_BODIES,
    stream: NO_BODIES,
  };
  #told_ms: number | null = null;
  #current: Stats;
  /** What polls had cost before they stood in for the chosen transport; `open` until they do. */
  #before: { polls: Cost; open: boolean } = { polls: NO_COST, open: false };

  /** `show` is called with new stats, or with null and the reason why there are none at the moment. */
  constructor(
    client: string,
    clock: ServerClock,
    watch: WatchFigures,
    show: (bill: Stats | null, missing: MissingReason | null) => void,
  ) {
    this.client = client;
    this.#delays = new Delays(clock, performance.now());
    this.#current = this.#write();
    this.#ledger = watch(client, clock, (figures, missing = 'away') => {
      if (figures === null) return show(null, missing);
      this.#figures = { ...figures, costs: withBodies(figures.costs, this.#bodies) };
      this.#told_ms = performance.now();
      if (this.#before.open) this.#before.polls = this.#figures.costs.poll;
      this.#current = this.#write();
      show(this.#current, null);
    });
  }

  /** The transport that is chosen from now on. */
  use(transport: Transport, isFirst: boolean): void {
    if (!isFirst && transport !== this.#using) this.#before = { polls: this.#figures.costs.poll, open: true };
    this.#using = transport;
    this.#delays.use(transport);
    this.#current = this.#write();
  }

  /** Polls stand in for the chosen transport. */
  markSubstitute(): void {
    this.#before.open = false;
  }

  /** The newest figures; zero before the first. */
  get current(): Stats {
    return this.#current;
  }

  /** How many of this page's own messages are published but not seen yet. */
  get expected(): number {
    return this.#delays.expected;
  }

  /** The body of an answer, or a part of it, has come. */
  body({ body_bytes, presence_bytes }: BodyBytes, transport: Transport): void {
    const before = this.#bodies[transport];
    this.#bodies[transport] = {
      body_bytes: before.body_bytes + body_bytes,
      presence_bytes: before.presence_bytes + presence_bytes,
    };
  }

  seen(messages: readonly Message[], transport: Transport, at_ms: number): SeenMessage[] {
    return messages.map((message) => ({
      message,
      delay: this.#delays.seen(message, transport, at_ms),
      own: this.#delays.isOwn(message.cursor),
    }));
  }

  /** This page published a message. Returns its delay if the lane has seen it already. */
  sent(cursor: string, sent_ms: number): Delay | null {
    return this.#delays.sent(cursor, sent_ms);
  }

  /** Reading goes on after the page itself had stopped it. */
  resume(): void {
    this.#delays.resume(performance.now());
  }

  /** Expected messages may never come. */
  clearExpected(): void {
    this.#delays.clearExpected();
  }

  /** The server has answered the client, so it has figures. */
  start(): void {
    this.#ledger.start();
  }

  pause(): void {
    this.#ledger.pause();
  }

  /** Shows nothing any more. */
  close(): void {
    this.#ledger.end();
  }

  #write(): Stats {
    const of = (transport: Transport) => this.#delays.figures(transport);
    const { costs } = this.#figures;
    const own = costs[this.#using];
    const polls =
      this.#using === 'poll'
        ? NO_COST
        : combine(costs.poll, this.#before.polls, (now, before) => Math.max(0, now - before));
    return {
      ...this.#figures,
      delays: { poll: of('poll'), 'long-poll': of('long-poll'), stream: of('stream') },
      used: {
        cost: combine(own, polls, (one, other) => one + other),
        polls,
        delays: this.#delays.figures(this.#using, true),
      },
      told_ms: this.#told_ms,
    };
  }
}

/** The server may not have counted yet what has just come. */
function withBodies(
  costs: Figures['costs'],
  bodies: Readonly<Record<Transport, BodyBytes>>,
): Record<Transport, Cost> {
  const of = (transport: Transport): Cost => {
    const { wire_bytes } = costs[transport];
    const { body_bytes, presence_bytes } = bodies[transport];
    return {
      ...costs[transport],
      body_bytes: Math.min(wire_bytes, body_bytes),
      presence_bytes: Math.min(wire_bytes, presence_bytes),
    };
  };
  return { poll: of('poll'), 'long-poll': of('long-poll'), stream: of('stream') };
}
