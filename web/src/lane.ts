// One lane: a client of one room, with its own label, one ingest and one source at a time.
//
// Switching stops the one source and starts another at the ingest's cursor. That is all there is to it, and it is
// why nothing gets lost or repeated. Whatever draws a lane subscribes to what it tells and asks it for more by
// `ask`; nothing reaches into it.

import type { Delay, ServerClock } from './clock.ts';
import { type DelayFigures, Delays } from './delays.ts';
import type { Query } from './http.ts';
import { clientLabel } from './identity.ts';
import { Ingest } from './ingest.ts';
import { type Figures, NO_FIGURES, watchLedger, type WatchFigures } from './ledger.ts';
import type { Message, Reset } from './message.ts';
import type { Presence } from './presence.ts';
import { type Fault, muteFrom } from './network/fault.ts';
import { Network } from './network/network.ts';
import { makeSource, type Parts } from './sources/make.ts';
import { Polling } from './sources/polling.ts';
import type { Exchange, Link, Sink, Source } from './sources/source.ts';
import { SharedStream } from './sharing/shared-stream.ts';
import { INTERVAL_S, type Transport } from './transport.ts';

/** A message as a lane saw it. */
export interface Sighting {
  message: Message;
  /** Null for what was said before the lane began, and while the server's clock is not known. */
  delay: Delay | null;
  /** Known to be this page's own. One that is not yet may turn out to be. */
  own: boolean;
}

/** A lane's figures at one moment: the server's, and the delays it measured itself. */
export interface Bill extends Figures {
  delays: Record<Transport, DelayFigures | null>;
}

/** What a lane tells. Every `at_ms` is `performance.now()`. */
export interface LaneListener {
  /** A transport was chosen; it is not connected yet. */
  transport?(transport: Transport, at_ms: number): void;
  /** The lane is another client now: its figures begin anew. */
  client?(label: string): void;
  link?(link: Link, transport: Transport, at_ms: number): void;
  exchange?(exchange: Exchange, transport: Transport, at_ms: number): void;
  messages?(sightings: Sighting[], transport: Transport, at_ms: number): void;
  /** A message that was seen turned out to be this page's own: this is its true delay. */
  own?(cursor: string, delay: Delay): void;
  /** Between the messages before and after this call some may be missing. */
  gap?(reason: Reset, transport: Transport): void;
  /** New figures, once a second; null where there are none to be had at the moment. */
  figures?(bill: Bill | null, at_ms: number): void;
  presence?(presence: Presence, at_ms: number): void;
  /** How many of this page's own messages are published and not seen by this lane yet. */
  awaited?(messages: number): void;
  /** Reading has ended until a transport is chosen again. */
  stopped?(): void;
}

export type MakeSource = (transport: Transport, parts: Parts) => Source;

export interface LaneParts {
  room: string;
  clock: ServerClock;
  /** Which lane of its page this is: the same ones of a browser's tabs share a stream. */
  slot?: string | null;
  network?: Network;
  makeSource?: MakeSource;
  watch?: WatchFigures;
  label?: () => string;
}

export class Lane {
  readonly room: string;
  readonly network: Network;
  readonly #parts: Required<LaneParts>;
  readonly #listeners = new Set<LaneListener>();
  readonly #ingest: Ingest;
  #client: string;
  #delays: Delays;
  #ledger: ReturnType<WatchFigures>;
  #query: Query = {};
  #interval_s: number = INTERVAL_S.initial;
  #transport: Transport | null = null;
  #source: Source | null = null;
  #link: Link = { kind: 'connecting' };
  #fault: Fault = 'healthy';
  /** The connections are to be closed as soon as there are any. */
  #severing = false;
  #bill: Bill = NO_BILL;

  constructor(parts: LaneParts) {
    const network = new Network(muteFrom(globalThis.location?.search ?? ''));
    this.#parts = { makeSource, watch: watchLedger, label: clientLabel, slot: null, network, ...parts };
    this.room = parts.room;
    this.network = this.#parts.network;
    this.network.subscribe({
      fault: (fault) => this.#afflict(fault),
      mute: () => this.#transport === 'stream' && this.#readAnew(),
    });
    this.#ingest = new Ingest({
      messages: (messages, transport) => this.#seen(messages, transport),
      gap: (reason, transport) => {
        this.#delays.forget();
        this.#tell((to) => to.gap?.(reason, transport));
        this.#tellAwaited();
      },
    });
    this.#client = this.#parts.label();
    this.#delays = new Delays(parts.clock, performance.now());
    this.#ledger = this.#watch();
  }

  /** The label under which the server counts this lane. */
  get client(): string {
    return this.#client;
  }

  /** Null while nothing is read. */
  get transport(): Transport | null {
    return this.#transport;
  }

  get link(): Link {
    return this.#link;
  }

  get interval_s(): number {
    return this.#interval_s;
  }

  /** The figures that were told last; of nothing before the first. */
  get bill(): Bill {
    return this.#bill;
  }

  /** Returns how to end it. */
  subscribe(listener: LaneListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  use(transport: Transport): void {
    if (transport === this.#transport) return;
    this.#source?.stop();
    this.#transport = transport;
    this.#tell((to) => to.transport?.(transport, performance.now()));
    this.#tellAwaited();
    this.#start();
  }

  setInterval(seconds: number): void {
    this.#interval_s = seconds;
    if (this.#source instanceof Polling) this.#source.retime();
  }

  /** Adds parameters to every request from the next one on; null takes one away. An open stream stays as it is. */
  ask(query: Query): void {
    this.#query = { ...this.#query, ...query };
  }

  /** Ends what is open and reads on from the same place with a new request. */
  reopen(): void {
    if (this.#transport !== null) this.#source?.start(() => this.#ingest.place());
  }

  /** The page has come back. */
  wake(): void {
    this.#source?.wake();
  }

  /** The page slept, or was away from its network: what was open then is not to be relied on. */
  revive(): void {
    this.#source?.start(() => this.#ingest.place(), true);
  }

  /** The page is being put away: nothing stays open, until `revive`. */
  rest(): void {
    this.#source?.stop();
  }

  /** Reads no more; `use` begins again at the same place. */
  stop(): void {
    this.#source?.stop();
    this.#source = null;
    this.#transport = null;
    this.#ledger.pause();
    this.#tell((to) => to.stopped?.());
  }

  /** Goes on from the same place as another client, whose figures begin at nothing. */
  renew(): void {
    this.#source?.stop();
    this.#ledger.end();
    this.#client = this.#parts.label();
    this.#delays = new Delays(this.#parts.clock, performance.now());
    this.#ledger = this.#watch();
    this.#bill = NO_BILL;
    this.#tell((to) => to.client?.(this.#client));
    this.#tellAwaited();
    if (this.#transport !== null) this.#start();
  }

  /** This page published a message, sent at `sent_ms` by `performance.now()`. */
  sent(cursor: string, sent_ms: number): void {
    const delay = this.#delays.sent(cursor, sent_ms);
    if (delay !== null) this.#tell((to) => to.own?.(cursor, delay));
    this.#tellAwaited();
  }

  #start(): void {
    const transport = this.#transport;
    if (transport === null) return;
    const reader = { room: this.room, client: this.#client, query: () => this.#asks(transport) };
    const interval_ms = () => this.#interval_s * 1_000;
    this.#source = this.#parts.makeSource(transport, {
      reader,
      sink: this.#sink(transport),
      network: this.network,
      interval_ms,
      newest: () => this.#ingest.newestId,
      slot: this.#parts.slot,
    });
    this.#source.start(() => this.#ingest.place());
  }

  /** Polls say how often they come, so that the server knows when one has left. */
  #asks(transport: Transport): Query {
    const asked = { ...this.network.query(transport), ...this.#query };
    return transport === 'poll' ? { interval: this.#interval_s, ...asked } : asked;
  }

  #readAnew(): void {
    this.#source?.stop();
    this.#start();
  }

  /** Something else is wrong with the network, or nothing any more. */
  #afflict(fault: Fault): void {
    const before = this.#fault;
    this.#fault = fault;
    const source = this.#source;
    if (source === null) return;
    const isShared = source instanceof SharedStream;
    if (source instanceof Polling) source.hurry();
    else if (fault === 'restart' && before === 'healthy') {
      if (!isShared || !source.restart()) void this.network.sever(this.room);
    } else if (before !== 'restart' || fault !== 'healthy') {
      this.#severing = fault === 'restart';
      this.#readAnew();
    }
  }

  #sink(transport: Transport): Sink {
    return {
      link: (link) => {
        this.#link = link;
        if (link.kind === 'live') {
          if (this.#severing) void this.network.sever(this.room);
          this.#severing = false;
          this.#ingest.begin();
          this.#ledger.go();
        }
        if (link.kind === 'reconnecting') this.#ledger.pause();
        this.#tell((to) => to.link?.(link, transport, performance.now()));
      },
      batch: (batch, by = transport) => this.#ingest.accept(batch, by),
      presence: (presence) => this.#tell((to) => to.presence?.(presence, performance.now())),
      exchange: (exchange) => this.#tell((to) => to.exchange?.(exchange, transport, performance.now())),
    };
  }

  #seen(messages: Message[], transport: Transport): void {
    const at_ms = performance.now();
    const sightings = messages.map((message) => ({
      message,
      delay: this.#delays.seen(message, transport, at_ms),
      own: this.#delays.isOwn(message.cursor),
    }));
    this.#tell((to) => to.messages?.(sightings, transport, at_ms));
    this.#tellAwaited();
  }

  #watch(): ReturnType<WatchFigures> {
    return this.#parts.watch(this.#client, this.#parts.clock, (figures) => {
      if (figures !== null) this.#bill = this.#billOf(figures);
      const bill = figures === null ? null : this.#bill;
      this.#tell((to) => to.figures?.(bill, performance.now()));
    });
  }

  #billOf(figures: Figures): Bill {
    const of = (transport: Transport) => this.#delays.figures(transport);
    const delays = { poll: of('poll'), 'long-poll': of('long-poll'), stream: of('stream') };
    return { ...figures, delays };
  }

  #tellAwaited(): void {
    this.#tell((to) => to.awaited?.(this.#delays.awaited));
  }

  #tell(what: (to: LaneListener) => void): void {
    for (const listener of this.#listeners) what(listener);
  }
}

const NO_BILL: Bill = { ...NO_FIGURES, delays: { poll: null, 'long-poll': null, stream: null } };
