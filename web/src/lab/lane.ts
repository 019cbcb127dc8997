// One lane: a client of one room, with its own label, one ingest and one source at a time.
//
// Switching stops the one source and starts another at the ingest's cursor. That is all there is to it, and it is
// why nothing gets lost or repeated. Whatever draws a lane subscribes to what it tells and asks it for more by
// `ask`; nothing reaches into it.

import { Account, type Bill } from './client-stats.ts';
import type { ServerClock } from './clock.ts';
import type { Query } from '../client/http.ts';
import { clientLabel } from './identity.ts';
import { Ingest } from '../client/ingest.ts';
import { watchLedger, type WatchFigures } from './ledger.ts';
import type { Fault } from './fault.ts';
import { Network } from './network.ts';
import { makeSource, type Parts } from '../client/sources/create-source.ts';
import { Polling } from '../client/sources/polling.ts';
import type { Link, Sink, Source } from '../client/sources/source.ts';
import { SharedStream } from '../client/sharing/shared-stream.ts';
import { type LaneListener, Listeners } from './listeners.ts';
import { INTERVAL_S, type Transport } from '../client/transport.ts';

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
  readonly #listeners = new Listeners();
  readonly #ingest: Ingest;
  #account: Account;
  #query: Query = {};
  #interval_s: number = INTERVAL_S.initial;
  #transport: Transport | null = null;
  #source: Source | null = null;
  #link: Link = { kind: 'connecting' };
  #fault: Fault = 'healthy';
  /** A transport was chosen for this account. */
  #begun = false;
  /** The page itself has ended reading for a while. */
  #stopped = false;
  /** The connections are to be closed as soon as there are any. */
  #severing = false;

  constructor(parts: LaneParts) {
    const network = new Network();
    this.#parts = { makeSource, watch: watchLedger, label: clientLabel, slot: null, network, ...parts };
    this.room = parts.room;
    this.network = this.#parts.network;
    this.network.subscribe({
      fault: (fault) => this.#afflict(fault),
      mute: () => this.#transport === 'stream' && this.#readAnew(),
    });
    this.#ingest = new Ingest({
      messages: (messages, transport) => {
        const at_ms = performance.now();
        const sightings = this.#account.seen(messages, transport, at_ms);
        this.#tell((to) => to.messages?.(sightings, transport, at_ms));
        this.#tellAwaited();
      },
      gap: (reason, transport) => {
        this.#account.forgetAwaited();
        this.#tell((to) => to.gap?.(reason, transport));
        this.#tellAwaited();
      },
    });
    this.#account = this.#openAccount();
  }

  /** The label under which the server counts this lane. */
  get client(): string {
    return this.#account.client;
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
    return this.#account.bill;
  }

  /** Returns how to end it. */
  subscribe(listener: LaneListener): () => void {
    return this.#listeners.add(listener);
  }

  use(transport: Transport): void {
    if (transport === this.#transport) return;
    this.#source?.stop();
    this.#transport = transport;
    this.#goOn();
    this.#account.use(transport, !this.#begun);
    this.#begun = true;
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
    this.#goOn();
    this.#source?.start(() => this.#ingest.place(), true);
  }

  /** The page is being put away: nothing stays open, until `revive`. */
  rest(): void {
    this.#stopped = true;
    this.#source?.stop();
  }

  /** Reads no more; `use` begins again at the same place. */
  stop(): void {
    this.#stopped = true;
    this.#source?.stop();
    this.#source = null;
    this.#transport = null;
    this.#account.pause();
    this.#tell((to) => to.stopped?.());
  }

  /** Goes on from the same place as another client, whose figures begin at nothing. */
  renew(): void {
    this.#source?.stop();
    this.#account.close();
    this.#account = this.#openAccount();
    this.#begun = this.#transport !== null;
    if (this.#transport !== null) this.#account.use(this.#transport, true);
    this.#tell((to) => to.client?.(this.client));
    this.#tellAwaited();
    if (this.#transport !== null) this.#start();
  }

  /** This page published a message, sent at `sent_ms` by `performance.now()`. */
  sent(cursor: string, sent_ms: number): void {
    const delay = this.#account.sent(cursor, sent_ms);
    if (delay !== null) this.#tell((to) => to.own?.(cursor, delay));
    this.#tellAwaited();
  }

  #goOn(): void {
    if (this.#stopped) this.#account.resume();
    this.#stopped = false;
  }

  #start(): void {
    const transport = this.#transport;
    if (transport === null) return;
    const reader = { room: this.room, client: this.client, query: () => this.#asks(transport) };
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
          if (link.detour?.why === 'mute' || link.detour?.why === 'crowded') this.#account.standIn();
          this.#account.go();
        }
        if (link.kind === 'reconnecting') this.#account.pause();
        this.#tell((to) => to.link?.(link, transport, performance.now()));
      },
      batch: (batch, by = transport) => this.#ingest.accept(batch, by),
      presence: (presence) => this.#tell((to) => to.presence?.(presence, performance.now())),
      exchange: (exchange) => this.#tell((to) => to.exchange?.(exchange, transport, performance.now())),
    };
  }

  #openAccount(): Account {
    const { label, clock, watch } = this.#parts;
    return new Account(label(), clock, watch, (bill, missing) =>
      this.#tell((to) => to.figures?.(bill, performance.now(), missing)),
    );
  }

  #tellAwaited(): void {
    this.#tell((to) => to.awaited?.(this.#account.awaited));
  }

  #tell(what: (to: LaneListener) => void): void {
    this.#listeners.tell(what);
  }
}
