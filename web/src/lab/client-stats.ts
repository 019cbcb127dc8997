// The statistics of one client: what its reading cost, as the server counts it, and how long its messages took, as this
// page measures it. A lane that becomes another client starts new ones.

import type { Delay, ServerClock } from './clock.ts';
import { type DelayFigures, Delays } from './delays.ts';
import {
  combineCosts,
  type Cost,
  type Figures,
  type MissingReason,
  NO_COST,
  NO_FIGURES,
  type WatchFigures,
} from './ledger.ts';
import type { Message } from '../client/message.ts';
import { TRANSPORTS, type Transport } from '../client/transport.ts';

/** A message as a lane saw it. */
export interface SeenMessage {
  message: Message;
  /**
   * Null for a message published before the lane began or while it was stopped, and if the server's clock is unknown.
   */
  delay: Delay | null;
  /** Whether this page published it, as far as is known when the message arrives. */
  own: boolean;
}

/** The cost of the chosen transport: its own requests and the polls that replaced it. */
export interface ChosenTransportStats {
  cost: Cost;
  /** The polls' part of `cost`. */
  polls: Cost;
  delays: DelayFigures | null;
}

/** A client's figures at one moment: the server's, and the delays measured here. */
export interface Stats extends Figures {
  delays: Record<Transport, DelayFigures | null>;
  chosenTransport: ChosenTransportStats;
  /** When the server's figures arrived, by `performance.now()`; null before the first. */
  received_ms: number | null;
}

/** Bytes of response bodies that this page has read. */
type BodyBytes = Pick<Cost, 'body_bytes' | 'presence_bytes'>;

const NO_BODIES: BodyBytes = { body_bytes: 0, presence_bytes: 0 };

export class ClientStats {
  /** The label under which the server counts. */
  readonly client: string;
  readonly #delays: Delays;
  readonly #ledger: ReturnType<WatchFigures>;
  #transport: Transport = 'poll';
  #figures: Figures = NO_FIGURES;
  readonly #bodies = noBodies();
  /** Those that came before the server's newest figures. */
  #countedBodies = noBodies();
  #received_ms: number | null = null;
  #current: Stats;
  /**
   * The cost of polls before they replaced the chosen transport. Updated while `open`, which ends when they replace
   * it.
   */
  #pollBaseline: { polls: Cost; open: boolean } = { polls: NO_COST, open: false };

  /** Calls `show` with new stats, or with null and the reason why there are none. */
  constructor(
    client: string,
    clock: ServerClock,
    watch: WatchFigures,
    show: (stats: Stats | null, missing: MissingReason | null) => void,
  ) {
    this.client = client;
    this.#delays = new Delays(clock, performance.now());
    this.#current = this.#compute();
    this.#ledger = watch(client, clock, (figures, missing = 'away') => {
      if (figures === null) return show(null, missing);
      if (hasRestarted(this.#figures, figures)) this.#forgetCountedBodies();
      this.#countedBodies = { ...this.#bodies };
      this.#figures = { ...figures, costs: withBodies(figures.costs, this.#bodies) };
      this.#received_ms = performance.now();
      if (this.#pollBaseline.open) this.#pollBaseline.polls = this.#figures.costs.poll;
      this.#current = this.#compute();
      show(this.#current, null);
    });
  }

  setTransport(transport: Transport, isFirst: boolean): void {
    const isChanged = !isFirst && transport !== this.#transport;
    if (isChanged) this.#pollBaseline = { polls: this.#figures.costs.poll, open: true };
    this.#transport = transport;
    this.#delays.setTransport(transport, isChanged ? performance.now() : undefined);
    this.#current = this.#compute();
  }

  /** Polls replace the chosen transport from now on. */
  markSubstitute(): void {
    this.#pollBaseline.open = false;
  }

  /** The newest figures; zero before the first. */
  get current(): Stats {
    return this.#current;
  }

  /** The number of this page's own messages that are published but not seen yet. */
  get expected(): number {
    return this.#delays.expected;
  }

  /** Counts a response body, or an event of a stream. */
  recordBody({ body_bytes, presence_bytes }: BodyBytes, transport: Transport): void {
    const before = this.#bodies[transport];
    this.#bodies[transport] = {
      body_bytes: before.body_bytes + body_bytes,
      presence_bytes: before.presence_bytes + presence_bytes,
    };
  }

  recordSeen(messages: readonly Message[], transport: Transport, at_ms: number): SeenMessage[] {
    return messages.map((message) => ({
      message,
      delay: this.#delays.recordSeen(message, transport, at_ms),
      own: this.#delays.isOwn(message.cursor),
    }));
  }

  /** Call when this page has published a message. Returns its delay if the lane has seen it already. */
  recordSent(cursor: string, sent_ms: number): Delay | null {
    return this.#delays.recordSent(cursor, sent_ms);
  }

  /** Reading continues after the page itself had stopped it. */
  resume(): void {
    this.#delays.resume(performance.now());
  }

  /** Expected messages may never come. */
  clearExpected(): void {
    this.#delays.clearExpected();
  }

  /** Call when the server has answered the client, so that it has figures. */
  start(): void {
    this.#ledger.start();
  }

  pause(): void {
    this.#ledger.pause();
  }

  /** Stops for good. */
  close(): void {
    this.#ledger.end();
  }

  /** The server counts from zero, so its wire bytes include no body from before. */
  #forgetCountedBodies(): void {
    for (const transport of TRANSPORTS) {
      const [all, before] = [this.#bodies[transport], this.#countedBodies[transport]];
      this.#bodies[transport] = {
        body_bytes: all.body_bytes - before.body_bytes,
        presence_bytes: all.presence_bytes - before.presence_bytes,
      };
    }
  }

  #compute(): Stats {
    const of = (transport: Transport) => this.#delays.summarize(transport);
    const { costs } = this.#figures;
    const own = costs[this.#transport];
    const polls =
      this.#transport === 'poll'
        ? NO_COST
        : combineCosts(costs.poll, this.#pollBaseline.polls, (now, before) => Math.max(0, now - before));
    return {
      ...this.#figures,
      delays: { poll: of('poll'), 'long-poll': of('long-poll'), stream: of('stream') },
      chosenTransport: {
        cost: combineCosts(own, polls, (one, other) => one + other),
        polls,
        delays: this.#delays.summarize(this.#transport, true),
      },
      received_ms: this.#received_ms,
    };
  }
}

function noBodies(): Record<Transport, BodyBytes> {
  return { poll: NO_BODIES, 'long-poll': NO_BODIES, stream: NO_BODIES };
}

/** Whether the server was started again, or has forgotten the client in the meantime. */
function hasRestarted(before: Figures, now: Figures): boolean {
  if (before.since === null) return false;
  const isLess = (transport: Transport) => now.costs[transport].requests < before.costs[transport].requests;
  return before.since !== now.since || TRANSPORTS.some(isLess);
}

/** Adds the bodies to the costs, limited to the wire bytes, as the server's counts may be a second older. */
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
