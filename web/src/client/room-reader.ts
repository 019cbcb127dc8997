// Reads a room, or several with one cursor, over one transport at a time.
//
// Switching stops one source and starts another at the ingest's cursor, so no message is lost or repeated.

import { BrowserConnections } from './browser-connections.ts';
import type { ConnectionFactory } from './connection-factory.ts';
import { toBaseUrl, type Query } from './http.ts';
import { Ingest } from './ingest.ts';
import type { Batch, Message, Reset } from './message.ts';
import { type LifecycleListener, type PageEvents, watchPageLifecycle } from './page-lifecycle.ts';
import type { Presence } from './presence.ts';
import { randomText } from './random-text.ts';
import { SharedStream } from './sharing/shared-stream.ts';
import { createSource, type SourceParts } from './sources/create-source.ts';
import { Polling } from './sources/polling.ts';
import type { Exchange, Link, Sink, Source } from './sources/source.ts';
import type { Transport } from './transport.ts';

const DEFAULT_ROOM = 'lobby';
const DEFAULT_INTERVAL_S = 2;
const DEFAULT_LONG_POLL_WAIT_S = 25;

export type CreateSource = (transport: Transport, parts: SourceParts) => Source;

export interface RoomReaderOptions {
  /** The folder of the server's routes, such as `https://chat.example/`; the page's own by default. */
  url?: string | URL;
  /** `lobby` by default. */
  room?: string;
  /** Up to 64 rooms in place of one. Their messages come in the order of the log. */
  rooms?: readonly string[];
  /** The label under which the server counts this reader; a random one by default. */
  client?: string;
  /** From the start of one poll to the start of the next, in seconds; 2 by default. */
  interval_s?: number;
  /** How long one long-poll asks the server to wait, in seconds; 25 by default. The server's maximum is 60. */
  longPollWait_s?: number;
  /** Further parameters of each request with a transport. */
  query?: (transport: Transport) => Query;
  /** Opens connections; with the browser's `fetch` and `EventSource` by default. */
  connections?: ConnectionFactory;
  /** Readers with the same key and rooms share one stream across the tabs of a browser. Null shares none. */
  shareKey?: string | null;
  /** While the page is hidden: continue to read (the default), or close the connection and catch up later. */
  whileHidden?: 'read' | 'pause';
  /** The page whose lifecycle to follow; the browser's by default. Null if the caller calls `reconnect`, `resume` and
   * `suspend`. */
  page?: PageEvents | null;
  /** Called if another tab that shares this stream wants its connection closed. */
  disconnect?: () => void;
  /** Replaces how sources are created; for tests. */
  createSource?: CreateSource;
}

export interface RoomReaderListener {
  /** New messages, oldest first, each once. `transport` delivered them; it is `poll` while polls replace another. */
  messages(messages: Message[], transport: Transport): void;
  /** Messages may be missing between those before and after this call. */
  gap?(reason: Reset, transport: Transport): void;
  link?(link: Link, transport: Transport): void;
  presence?(presence: Presence): void;
  /** A request was sent, answered or failed, or a stream delivered an event. */
  exchange?(exchange: Exchange, transport: Transport): void;
}

export class RoomReader {
  readonly rooms: readonly string[];
  readonly #options: RoomReaderOptions;
  readonly #listener: RoomReaderListener;
  readonly #connections: ConnectionFactory;
  readonly #ingest: Ingest;
  readonly #position = () => this.#ingest.position();
  #client: string;
  #interval_s: number;
  #transport: Transport | null = null;
  #source: Source | null = null;
  #link: Link = { kind: 'connecting' };
  #unwatch: (() => void) | null = null;
  /** Whether it reads nothing because the page is hidden. */
  #isPaused = false;

  constructor(options: RoomReaderOptions, listener: RoomReaderListener) {
    const { room = DEFAULT_ROOM, rooms = [room] } = options;
    this.rooms = rooms;
    this.#options = { ...options, ...(options.url === undefined ? {} : { url: toBaseUrl(options.url) }) };
    this.#listener = listener;
    this.#connections = options.connections ?? new BrowserConnections();
    this.#client = options.client ?? randomText(10);
    this.#interval_s = options.interval_s ?? DEFAULT_INTERVAL_S;
    this.#ingest = new Ingest({
      messages: (messages, transport) => listener.messages(messages, transport),
      gap: (reason, transport) => listener.gap?.(reason, transport),
    });
  }

  /** The first of `rooms`. */
  get room(): string {
    return this.rooms[0] ?? DEFAULT_ROOM;
  }

  /** The label under which the server counts this reader. */
  get client(): string {
    return this.#client;
  }

  /** Null while stopped. */
  get transport(): Transport | null {
    return this.#transport;
  }

  get link(): Link {
    return this.#link;
  }

  get interval_s(): number {
    return this.#interval_s;
  }

  /** Switches to `transport`, continuing at the current cursor. */
  use(transport: Transport): void {
    if (transport === this.#transport) return;
    this.#source?.stop();
    this.#transport = transport;
    if (this.#options.page !== null) this.#unwatch ??= this.#watchPage();
    this.#start();
  }

  /** Accepts messages that were read elsewhere, as if `transport` had delivered them, and continues after them. */
  seed(batch: Batch, transport: Transport): void {
    this.#ingest.accept(batch, transport);
  }

  /** Stops reading; `use` continues at the same cursor. */
  stop(): void {
    this.#source?.stop();
    this.#source = null;
    this.#transport = null;
    this.#unwatch?.();
    this.#unwatch = null;
    this.#isPaused = false;
  }

  /** Applies to the poll after the running one. */
  setInterval(seconds: number): void {
    this.#interval_s = seconds;
    if (this.#source instanceof Polling) this.#source.reschedule();
  }

  /** Continues at the same cursor under another label. */
  setClient(client: string): void {
    this.#source?.stop();
    this.#client = client;
    this.#start();
  }

  /** Polls now. Returns false if the transport does not poll. */
  pollNow(): boolean {
    if (!(this.#source instanceof Polling)) return false;
    this.#source.pollNow();
    return true;
  }

  /** Asks the tab whose stream this reader shares to close its connection. Returns false if it shares none. */
  disconnectShared(): boolean {
    return this.#source instanceof SharedStream && this.#source.requestDisconnect();
  }

  /** Closes the connection and continues at the same cursor with a new request. */
  reopen(): void {
    if (!this.#isPaused) this.#source?.start(this.#position);
  }

  /** Like `reopen`, but with a new source, as whether the stream may be shared can have changed. */
  restart(): void {
    if (this.#source === null) return;
    this.#source.stop();
    this.#start();
  }

  /** Ends a pause between two attempts, as the page or its network is back. */
  reconnect(): void {
    this.#source?.reconnect();
  }

  /** Reopens the connection after the page slept or was offline. */
  resume(): void {
    this.#source?.start(this.#position, true);
  }

  /** Closes the connection until `resume`. */
  suspend(): void {
    this.#source?.stop();
  }

  #start(): void {
    const transport = this.#transport;
    if (transport === null) return;
    const {
      url,
      shareKey = null,
      disconnect = () => {},
      createSource: create = createSource,
    } = this.#options;
    const isShareable = this.#connections.isShareable ?? true;
    this.#source = create(transport, {
      request: {
        ...(url === undefined ? {} : { url: String(url) }),
        room: this.rooms,
        client: this.#client,
        query: () => this.#query(transport),
      },
      sink: this.#sink(transport),
      connections: this.#connections,
      interval_ms: () => this.#interval_s * 1_000,
      longPollWait_s: this.#options.longPollWait_s ?? DEFAULT_LONG_POLL_WAIT_S,
      newest: () => this.#ingest.newestId,
      shareKey: isShareable ? shareKey : null,
      disconnect,
    });
    if (!this.#isPaused) this.#source.start(this.#position);
  }

  /** Polls send their interval, so that the server can tell when a reader has left. */
  #query(transport: Transport): Query {
    const query = this.#options.query?.(transport) ?? {};
    return transport === 'poll' ? { interval: this.#interval_s, ...query } : query;
  }

  #sink(transport: Transport): Sink {
    const listener = this.#listener;
    return {
      link: (link) => {
        this.#link = link;
        if (link.kind === 'live') this.#ingest.begin();
        listener.link?.(link, transport);
      },
      batch: (batch, by = transport) => this.#ingest.accept(batch, by),
      presence: (presence) => listener.presence?.(presence),
      exchange: (exchange, by = transport) => listener.exchange?.(exchange, by),
    };
  }

  #watchPage(): () => void {
    const pausesWhenHidden = this.#options.whileHidden === 'pause';
    // Whether the page that is shown was paused until now.
    let wasPaused = false;
    const listener: LifecycleListener = {
      hidden: () => {
        this.#isPaused = pausesWhenHidden;
        if (this.#isPaused) this.suspend();
      },
      shown: () => {
        wasPaused = this.#isPaused;
        this.#isPaused = false;
      },
      reconnect: () => {
        if (wasPaused) this.resume();
        else this.reconnect();
      },
      resume: () => {
        if (!this.#isPaused) this.resume();
      },
      suspend: () => this.suspend(),
    };
    return watchPageLifecycle(listener, this.#options.page ?? undefined);
  }
}
