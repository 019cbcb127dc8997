// The account of one client: what its reading has cost, as the server counts it, and how long its messages took, as
// this page measures it. A lane that becomes another client opens a new one.

import type { Delay, ServerClock } from './clock.ts';
import { type DelayFigures, Delays } from './delays.ts';
import {
  combine,
  type Cost,
  type Figures,
  type Missing,
  NO_COST,
  NO_FIGURES,
  type WatchFigures,
} from './ledger.ts';
import type { Message } from '../client/message.ts';
import type { Transport } from '../client/transport.ts';

/** A message as a lane saw it. */
export interface SeenMessage {
  message: Message;
  /** Null for what was said before the lane began or while it was stopped, and while the server's clock is not known. */
  delay: Delay | null;
  /** Known to be this page's own. One that is not yet may turn out to be. */
  own: boolean;
}

/** What it cost to read with the chosen transport: its own requests, and the polls that stood in for it. */
export interface ChosenTransportStats {
  cost: Cost;
  /** What the polls are of it. */
  polls: Cost;
  delays: DelayFigures | null;
}

/** A client's figures at one moment: the server's, and the delays that were measured here. */
export interface Stats extends Figures {
  delays: Record<Transport, DelayFigures | null>;
  used: ChosenTransportStats;
  /** When the server told them, by `performance.now()`; null before the first. */
  told_ms: number | null;
}

export class ClientStats {
  /** The label under which the server counts. */
  readonly client: string;
  readonly #delays: Delays;
  readonly #ledger: ReturnType<WatchFigures>;
  #using: Transport = 'poll';
  #figures: Figures = NO_FIGURES;
  #told_ms: number | null = null;
  #current: Stats;
  /** What polls had cost before they stood in for what is chosen; still `open` until they do. */
  #before: { polls: Cost; open: boolean } = { polls: NO_COST, open: false };

  /** `show` is given each new bill, or null and why there is none to be had at the moment. */
  constructor(
    client: string,
    clock: ServerClock,
    watch: WatchFigures,
    show: (bill: Stats | null, missing: Missing | null) => void,
  ) {
    this.client = client;
    this.#delays = new Delays(clock, performance.now());
    this.#current = this.#write();
    this.#ledger = watch(client, clock, (figures, missing = 'away') => {
      if (figures === null) return show(null, missing);
      this.#figures = figures;
      this.#told_ms = performance.now();
      if (this.#before.open) this.#before.polls = figures.costs.poll;
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

  /** Polls stand in for what is chosen. */
  markSubstitute(): void {
    this.#before.open = false;
  }

  /** The last one; of nothing before the first. */
  get current(): Stats {
    return this.#current;
  }

  /** How many of this page's own messages are published and not seen yet. */
  get expected(): number {
    return this.#delays.expected;
  }

  seen(messages: readonly Message[], transport: Transport, at_ms: number): SeenMessage[] {
    return messages.map((message) => ({
      message,
      delay: this.#delays.seen(message, transport, at_ms),
      own: this.#delays.isOwn(message.cursor),
    }));
  }

  /** This page published a message; tells its delay where it has been seen already. */
  sent(cursor: string, sent_ms: number): Delay | null {
    return this.#delays.sent(cursor, sent_ms);
  }

  /** Reading goes on after the page itself had stopped it. */
  resume(): void {
    this.#delays.resume(performance.now());
  }

  /** What was awaited may never come. */
  clearExpected(): void {
    this.#delays.clearExpected();
  }

  /** The server has answered the client, so there is something to ask for. */
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
