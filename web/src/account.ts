// The account of one client: what its reading has cost, as the server counts it, and how long its messages took, as
// this page measures it. A lane that becomes another client opens a new one.

import type { Delay, ServerClock } from './clock.ts';
import { type DelayFigures, Delays } from './delays.ts';
import { type Figures, NO_FIGURES, type WatchFigures } from './ledger.ts';
import type { Message } from './message.ts';
import type { Transport } from './transport.ts';

/** A message as a lane saw it. */
export interface Sighting {
  message: Message;
  /** Null for what was said before the lane began or while it was stopped, and while the server's clock is not known. */
  delay: Delay | null;
  /** Known to be this page's own. One that is not yet may turn out to be. */
  own: boolean;
}

/** A client's figures at one moment: the server's, and the delays that were measured here. */
export interface Bill extends Figures {
  delays: Record<Transport, DelayFigures | null>;
}

const NO_BILL: Bill = { ...NO_FIGURES, delays: { poll: null, 'long-poll': null, stream: null } };

export class Account {
  /** The label under which the server counts. */
  readonly client: string;
  readonly #delays: Delays;
  readonly #ledger: ReturnType<WatchFigures>;
  #bill: Bill = NO_BILL;

  /** `show` is given each new bill, or null where there is none to be had at the moment. */
  constructor(client: string, clock: ServerClock, watch: WatchFigures, show: (bill: Bill | null) => void) {
    this.client = client;
    this.#delays = new Delays(clock, performance.now());
    this.#ledger = watch(client, clock, (figures) => {
      if (figures !== null) this.#bill = { ...figures, delays: this.#delayFigures() };
      show(figures === null ? null : this.#bill);
    });
  }

  /** The last one; of nothing before the first. */
  get bill(): Bill {
    return this.#bill;
  }

  /** How many of this page's own messages are published and not seen yet. */
  get awaited(): number {
    return this.#delays.awaited;
  }

  seen(messages: readonly Message[], transport: Transport, at_ms: number): Sighting[] {
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
  forgetAwaited(): void {
    this.#delays.forget();
  }

  /** The server has answered the client, so there is something to ask for. */
  go(): void {
    this.#ledger.go();
  }

  pause(): void {
    this.#ledger.pause();
  }

  /** Shows nothing any more. */
  close(): void {
    this.#ledger.end();
  }

  #delayFigures(): Bill['delays'] {
    const of = (transport: Transport) => this.#delays.figures(transport);
    return { poll: of('poll'), 'long-poll': of('long-poll'), stream: of('stream') };
  }
}
