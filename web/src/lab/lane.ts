// One lane: a reader of one room with a client label, a network with simulated faults, and statistics of its cost.
//
// Views subscribe to its events and set parameters of its requests by `setParameters`.

import type { Query } from '../client/http.ts';
import { isHttp1 } from '../client/http-version.ts';
import { randomText } from '../client/random-text.ts';
import { type CreateSource, RoomReader } from '../client/room-reader.ts';
import { createSource } from '../client/sources/create-source.ts';
import type { Link } from '../client/sources/source.ts';
import { INTERVAL_S } from './interval-scale.ts';
import type { Transport } from '../client/transport.ts';
import { ClientStats, type Stats } from './client-stats.ts';
import type { CookieKib } from './cookie.ts';
import type { RequestedProtocol } from './protocol.ts';
import type { ServerClock } from './clock.ts';
import type { Batch } from '../client/message.ts';
import type { Fault } from './fault.ts';
import { watchLedger, type WatchFigures } from './ledger.ts';
import { type LaneListener, Listeners } from './listeners.ts';
import { Network } from './network.ts';

export interface LaneParts {
  room: string;
  clock: ServerClock;
  /** Identifies the lane within its page. The same lanes of a browser's tabs share a stream. */
  shareKey?: string | null;
  network?: Network;
  createSource?: CreateSource;
  watch?: WatchFigures;
  label?: () => string;
}

export class Lane {
  readonly room: string;
  readonly network: Network;
  /** The size of the cookie that the browser sends with this lane's requests. */
  cookie_kib: CookieKib = 0;
  /** The protocol chosen for this lane. */
  protocol: RequestedProtocol = 'page';
  readonly #parts: Required<LaneParts>;
  readonly #listeners = new Listeners();
  readonly #reader: RoomReader;
  #stats: ClientStats;
  #query: Query = {};
  /** Set before the reader switches, as listeners read it. */
  #transport: Transport | null = null;
  #fault: Fault = 'healthy';
  /** Whether a transport was chosen since these stats began. */
  #hasStarted = false;
  /** Whether the page itself has stopped reading. */
  #isStopped = false;
  /** Whether the server must close the connections as soon as there are any. */
  #mustDisconnect = false;

  constructor(parts: LaneParts) {
    const network = new Network();
    const label = () => randomText(10);
    this.#parts = { createSource, watch: watchLedger, label, shareKey: null, network, ...parts };
    this.room = parts.room;
    this.network = this.#parts.network;
    this.network.subscribe({
      fault: (fault) => this.#applyFault(fault),
      stallTimeout: () => this.transport === 'stream' && this.#reader.restart(),
    });
    this.#stats = this.#openStats();
    this.#reader = this.#openReader();
  }

  /** The label under which the server counts this lane. */
  get client(): string {
    return this.#stats.client;
  }

  /** Null while stopped. */
  get transport(): Transport | null {
    return this.#transport;
  }

  get link(): Link {
    return this.#reader.link;
  }

  get interval_s(): number {
    return this.#reader.interval_s;
  }

  /** The newest figures; zero before the first. */
  get stats(): Stats {
    return this.#stats.current;
  }

  /** `close` if each poll must use a new connection, if it can. */
  get connection(): 'keep-alive' | 'close' {
    return this.#query['connection'] === 'close' ? 'close' : 'keep-alive';
  }

  /** Returns a function that unsubscribes. */
  subscribe(listener: LaneListener): () => void {
    return this.#listeners.add(listener);
  }

  /** Accepts messages from before the lane began, so that it continues after them. */
  seed(history: Batch, transport: Transport): void {
    this.#reader.seed(history, transport);
  }

  use(transport: Transport): void {
    if (transport === this.transport) return;
    this.#reader.stop();
    this.#transport = transport;
    this.#continue();
    this.#stats.setTransport(transport, !this.#hasStarted);
    this.#hasStarted = true;
    this.#emit((to) => to.transport?.(transport, performance.now()));
    this.#emitExpected();
    this.#reader.use(transport);
  }

  setInterval(seconds: number): void {
    this.#reader.setInterval(seconds);
  }

  /** Adds parameters to every later request; null removes one. Does not affect an open stream. */
  setParameters(query: Query): void {
    this.#query = { ...this.#query, ...query };
  }

  /** Continues at the same cursor with a new source, as whether its stream may be shared has changed. */
  restart(): void {
    this.#reader.restart();
  }

  /** Ends a pause between two attempts, as the page is back. */
  reconnect(): void {
    this.#reader.reconnect();
  }

  /** Reopens the connection after the page slept or was offline. */
  resume(): void {
    this.#continue();
    this.#reader.resume();
  }

  /** Closes the connection until `resume`, as the page is unloaded or cached. */
  suspend(): void {
    this.#isStopped = true;
    this.#reader.suspend();
  }

  /** Stops reading; `use` continues at the same cursor. */
  stop(): void {
    this.#isStopped = true;
    this.#reader.stop();
    this.#transport = null;
    this.#stats.pause();
    this.#emit((to) => to.stopped?.());
  }

  /** Continues at the same cursor as another client, whose figures begin at zero. */
  resetClient(): void {
    const { transport } = this;
    this.#stats.close();
    this.#stats = this.#openStats();
    this.#hasStarted = transport !== null;
    if (transport !== null) this.#stats.setTransport(transport, true);
    this.#emit((to) => to.client?.(this.client));
    this.#emitExpected();
    this.#reader.setClient(this.client);
  }

  /** Call when this page has published a message, which it sent at `sent_ms` by `performance.now()`. */
  recordSent(cursor: string, sent_ms: number): void {
    const delay = this.#stats.recordSent(cursor, sent_ms);
    if (delay !== null) this.#emit((to) => to.own?.(cursor, delay));
    this.#emitExpected();
  }

  #continue(): void {
    if (this.#isStopped) this.#stats.resume();
    this.#isStopped = false;
  }

  #openReader(): RoomReader {
    const { room, network, createSource, shareKey } = this.#parts;
    return new RoomReader(
      {
        room,
        client: this.client,
        interval_s: INTERVAL_S.initial,
        connections: network,
        shareKey,
        createSource,
        page: null,
        query: (transport) => ({
          ...network.query(transport),
          ...this.#query,
          ...(this.#canClose(transport) ? {} : { connection: null }),
        }),
        disconnect: () => void network.disconnect(room),
      },
      {
        messages: (messages, transport) => {
          const at_ms = performance.now();
          const seen = this.#stats.recordSeen(messages, transport, at_ms);
          this.#emit((to) => to.messages?.(seen, transport, at_ms));
          this.#emitExpected();
        },
        gap: (reason, transport) => {
          this.#stats.clearExpected();
          this.#emit((to) => to.gap?.(reason, transport));
          this.#emitExpected();
        },
        link: (link, transport) => this.#onLink(link, transport),
        presence: (presence) => this.#emit((to) => to.presence?.(presence, performance.now())),
        exchange: (exchange, transport) => {
          if ('body_bytes' in exchange) this.#stats.recordBody(exchange, transport);
          this.#emit((to) => to.exchange?.(exchange, transport, performance.now()));
        },
      },
    );
  }

  /** Over HTTP/2 the server refuses to close the connection after an answer, and a stream has no use for it. */
  #canClose(transport: Transport): boolean {
    return transport !== 'stream' && isHttp1(this.network.crossOriginVersion);
  }

  #onLink(link: Link, transport: Transport): void {
    if (link.kind === 'live') {
      if (this.#mustDisconnect) void this.network.disconnect(this.room);
      this.#mustDisconnect = false;
      if (link.fallback?.why === 'mute' || link.fallback?.why === 'crowded') this.#stats.markSubstitute();
      this.#stats.start();
    }
    if (link.kind === 'reconnecting') this.#stats.pause();
    this.#emit((to) => to.link?.(link, transport, performance.now()));
  }

  #applyFault(fault: Fault): void {
    const before = this.#fault;
    this.#fault = fault;
    if (this.transport === null || this.#reader.pollNow()) return;
    if (fault === 'restart' && before === 'healthy') {
      if (!this.#reader.disconnectShared()) void this.network.disconnect(this.room);
    } else if (before !== 'restart' || fault !== 'healthy') {
      this.#mustDisconnect = fault === 'restart';
      this.#reader.restart();
    }
  }

  #openStats(): ClientStats {
    const { label, clock, watch } = this.#parts;
    return new ClientStats(label(), clock, watch, (stats, missing) =>
      this.#emit((to) => to.stats?.(stats, performance.now(), missing)),
    );
  }

  #emitExpected(): void {
    this.#emit((to) => to.expected?.(this.#stats.expected));
  }

  #emit(what: (to: LaneListener) => void): void {
    this.#listeners.emit(what);
  }
}
