// One lane: a client of one room, with one ingest and one source at a time.
//
// Switching stops the one source and starts another at the ingest's cursor. That is all there is to it, and it is
// why nothing gets lost or repeated.

import { Ingest, type IngestListener } from './ingest.ts';
import { Polling } from './sources/polling.ts';
import type { Link, Reader, Sink, Source } from './sources/source.ts';
import { Stream } from './sources/stream.ts';
import { INTERVAL_S, LONG_POLL_WAIT_S, type Transport } from './transport.ts';

export interface LaneListener extends IngestListener {
  link(link: Link, transport: Transport): void;
}

export type MakeSource = (
  transport: Transport,
  reader: Reader,
  sink: Sink,
  interval_ms: () => number,
) => Source;

export class Lane {
  readonly reader: Reader;
  readonly #listener: LaneListener;
  readonly #makeSource: MakeSource;
  readonly #ingest: Ingest;
  #interval_ms: number = INTERVAL_S.initial * 1_000;
  #transport: Transport | null = null;
  #source: Source | null = null;

  constructor(reader: Reader, listener: LaneListener, makeSource: MakeSource = realSource) {
    this.reader = reader;
    this.#listener = listener;
    this.#makeSource = makeSource;
    this.#ingest = new Ingest(listener);
  }

  get transport(): Transport | null {
    return this.#transport;
  }

  use(transport: Transport): void {
    if (transport === this.#transport) return;
    this.#source?.stop();
    this.#transport = transport;
    const source = this.#makeSource(transport, this.reader, this.#sink(transport), () => this.#interval_ms);
    this.#source = source;
    source.start(() => this.#ingest.place());
  }

  setInterval(seconds: number): void {
    this.#interval_ms = seconds * 1_000;
    if (this.#source instanceof Polling) this.#source.retime();
  }

  /** The page or the network has come back. */
  wake(): void {
    this.#source?.wake();
  }

  /** The browser froze the page and brought it back: what was open then is not to be relied on. */
  restart(): void {
    this.#source?.start(() => this.#ingest.place());
  }

  #sink(transport: Transport): Sink {
    return {
      link: (link) => {
        if (link.kind === 'live') this.#ingest.begin();
        this.#listener.link(link, transport);
      },
      batch: (batch) => this.#ingest.accept(batch, transport),
    };
  }
}

const realSource: MakeSource = (transport, reader, sink, interval_ms) =>
  transport === 'stream'
    ? new Stream({ ...reader, sink })
    : new Polling({ ...reader, sink, interval_ms, wait_s: transport === 'long-poll' ? LONG_POLL_WAIT_S : 0 });
