// One lane: a client of one room, with its own label, one ingest and one source at a time.
//
// Switching stops the one source and starts another at the ingest's cursor. That is all there is to it, and it is
// why nothing gets lost or repeated. Whatever draws a lane subscribes to what it tells and asks it for more by
// `ask`; nothing reaches into it.

import { ClientStats, type Stats } from './client-stats.ts';
import type { ServerClock } from './clock.ts';
import type { Query } from '../client/http.ts';
import { clientLabel } from './identity.ts';
import { Ingest } from '../client/ingest.ts';
import { watchLedger, type WatchFigures } from './ledger.ts';
import type { Fault } from './fault.ts';
import { Network } from './network.ts';
import { createSource, type SourceParts } from '../client/sources/create-source.ts';
import { Polling } from '../client/sources/polling.ts';
import type { Link, Sink, Source } from '../client/sources/source.ts';
import { SharedStream } from '../client/sharing/shared-stream.ts';
import { type LaneListener, Listeners } from './listeners.ts';
import { INTERVAL_S, type Transport } from '../client/transport.ts';

export type CreateSource = (transport: Transport, parts: SourceParts) => Source;

export interface LaneParts {
  room: string;
  clock: ServerClock;
  /** Which lane of its page this is: the same ones of a browser's tabs share a stream. */
  slot?: string | null;
  network?: Network;
  createSource?: CreateSource;
  watch?: WatchFigures;
  label?: () => string;
}

export class Lane {
  readonly room: string;
  readonly network: Network;
  readonly #parts: Required<LaneParts>;
  readonly #listeners = new Listeners();
  readonly #ingest: Ingest;
  #stats: ClientStats;
  #query: Query = {};
  #interval_s: number = INTERVAL_S.initial;
  #transport: Transport | null = null;
  #source: Source | null = null;
  #link: Link = { kind: 'connecting' };
  #fault: Fault = 'healthy';
  /** A transport was chosen for this account. */
  #started = false;
  /** The page itself has ended reading for a while. */
  #stopped = false;
  /** The connections are to be closed as soon as there are any. */
  #disconnecting = false;

  constructor(parts: LaneParts) {
    const network = new Network();
    this.#parts = { createSource, watch: watchLedger, label: clientLabel, slot: null, network, ...parts };
    this.room = parts.room;
    this.network = this.#parts.network;
    this.network.subscribe({
      fault: (fault) => this.#applyFault(fault),
      stallTimeout: () => this.#transport === 'stream' && this.#restart(),
    });
    this.#ingest = new Ingest({
      messages: (messages, transport) => {
        const at_ms = performance.now();
        const seen = this.#stats.seen(messages, transport, at_ms);
        this.#emit((to) => to.messages?.(seen, transport, at_ms));
        this.#emitExpected();
      },
      gap: (reason, transport) => {
        this.#stats.clearExpected();
        this.#emit((to) => to.gap?.(reason, transport));
        this.#emitExpected();
      },
    });
    this.#stats = this.#openStats();
  }

  /** The label under which the server counts this lane. */
  get client(): string {
    return this.#stats.client;
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
  get stats(): Stats {
    return this.#stats.current;
  }

  /** Returns how to end it. */
  subscribe(listener: LaneListener): () => void {
    return this.#listeners.add(listener);
  }

  use(transport: Transport): void {
    if (transport === this.#transport) return;
    this.#source?.stop();
    this.#transport = transport;
    this.#continue();
    this.#stats.use(transport, !this.#started);
    this.#started = true;
    this.#emit((to) => to.transport?.(transport, performance.now()));
    this.#emitExpected();
    this.#start();
  }

  setInterval(seconds: number): void {
    this.#interval_s = seconds;
    if (this.#source instanceof Polling) this.#source.reschedule();
  }

  /** Adds parameters to every request from the next one on; null takes one away. An open stream stays as it is. */
  ask(query: Query): void {
    this.#query = { ...this.#query, ...query };
  }

  /** Ends what is open and reads on from the same place with a new request. */
  reopen(): void {
    if (this.#transport !== null) this.#source?.start(() => this.#ingest.position());
  }

  /** The page has come back. */
  reconnect(): void {
    this.#source?.reconnect();
  }

  /** The page slept, or was away from its network: what was open then is not to be relied on. */
  resume(): void {
    this.#continue();
    this.#source?.start(() => this.#ingest.position(), true);
  }

  /** The page is being put away: nothing stays open, until `revive`. */
  suspend(): void {
    this.#stopped = true;
    this.#source?.stop();
  }

  /** Reads no more; `use` begins again at the same place. */
  stop(): void {
    this.#stopped = true;
    this.#source?.stop();
    this.#source = null;
    this.#transport = null;
    this.#stats.pause();
    this.#emit((to) => to.stopped?.());
  }

  /** Goes on from the same place as another client, whose figures begin at nothing. */
  renew(): void {
    this.#source?.stop();
    this.#stats.close();
    this.#stats = this.#openStats();
    this.#started = this.#transport !== null;
    if (this.#transport !== null) this.#stats.use(this.#transport, true);
    this.#emit((to) => to.client?.(this.client));
    this.#emitExpected();
    if (this.#transport !== null) this.#start();
  }

  /** This page published a message, sent at `sent_ms` by `performance.now()`. */
  sent(cursor: string, sent_ms: number): void {
    const delay = this.#stats.sent(cursor, sent_ms);
    if (delay !== null) this.#emit((to) => to.own?.(cursor, delay));
    this.#emitExpected();
  }

  #continue(): void {
    if (this.#stopped) this.#stats.resume();
    this.#stopped = false;
  }

  #start(): void {
    const transport = this.#transport;
    if (transport === null) return;
    const reader = { room: this.room, client: this.client, query: () => this.#queryFor(transport) };
    const interval_ms = () => this.#interval_s * 1_000;
    this.#source = this.#parts.createSource(transport, {
      reader,
      sink: this.#sink(transport),
      network: this.network,
      interval_ms,
      newest: () => this.#ingest.newestId,
      // A chosen fault is this lane's alone, so its stream is not shared with other tabs.
      slot: this.network.isShareable ? this.#parts.slot : null,
      disconnect: () => void this.network.disconnect(this.room),
    });
    this.#source.start(() => this.#ingest.position());
  }

  /** Polls say how often they come, so that the server knows when one has left. */
  #queryFor(transport: Transport): Query {
    const asked = { ...this.network.query(transport), ...this.#query };
    return transport === 'poll' ? { interval: this.#interval_s, ...asked } : asked;
  }

  #restart(): void {
    this.#source?.stop();
    this.#start();
  }

  /** Something else is wrong with the network, or nothing any more. */
  #applyFault(fault: Fault): void {
    const before = this.#fault;
    this.#fault = fault;
    const source = this.#source;
    if (source === null) return;
    const isShared = source instanceof SharedStream;
    if (source instanceof Polling) source.pollNow();
    else if (fault === 'restart' && before === 'healthy') {
      if (!isShared || !source.restart()) void this.network.disconnect(this.room);
    } else if (before !== 'restart' || fault !== 'healthy') {
      this.#disconnecting = fault === 'restart';
      this.#restart();
    }
  }

  #sink(transport: Transport): Sink {
    return {
      link: (link) => {
        this.#link = link;
        if (link.kind === 'live') {
          if (this.#disconnecting) void this.network.disconnect(this.room);
          this.#disconnecting = false;
          this.#ingest.begin();
          if (link.fallback?.why === 'mute' || link.fallback?.why === 'crowded') this.#stats.markSubstitute();
          this.#stats.start();
        }
        if (link.kind === 'reconnecting') this.#stats.pause();
        this.#emit((to) => to.link?.(link, transport, performance.now()));
      },
      batch: (batch, by = transport) => this.#ingest.accept(batch, by),
      presence: (presence) => this.#emit((to) => to.presence?.(presence, performance.now())),
      exchange: (exchange) => this.#emit((to) => to.exchange?.(exchange, transport, performance.now())),
    };
  }

  #openStats(): ClientStats {
    const { label, clock, watch } = this.#parts;
    return new ClientStats(label(), clock, watch, (bill, missing) =>
      this.#emit((to) => to.stats?.(bill, performance.now(), missing)),
    );
  }

  #emitExpected(): void {
    this.#emit((to) => to.expected?.(this.#stats.expected));
  }

  #emit(what: (to: LaneListener) => void): void {
    this.#listeners.emit(what);
  }
}
