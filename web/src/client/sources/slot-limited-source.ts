// A source that holds a connection open, and holds it only by permission: the browser has few of them. Without one,
// polls stand in until one is free.

import type { Place } from '../ingest.ts';
import type { Connections, Permit } from '../connection-slots.ts';
import type { Polling } from './polling.ts';
import { polled, type Sink, type Source } from './source.ts';

export interface PermittedOptions {
  sink: Sink;
  connections: Connections;
  /** What holds the connection. */
  source: Source;
  /** What stands in, given the sink to report to. */
  polls: (sink: Sink) => Polling;
}

export class Permitted implements Source {
  readonly #options: PermittedOptions;
  readonly #polls: Polling;
  #run: AbortController | null = null;
  #reads: Source | null = null;

  constructor(options: PermittedOptions) {
    this.#options = options;
    const { sink } = options;
    const standIn = polled(sink, {
      link: (link) => {
        if (link.kind === 'live') sink.link({ kind: 'live', detour: { why: 'crowded' } });
        else if (link.kind === 'reconnecting') sink.link(link);
      },
    });
    this.#polls = options.polls(standIn);
  }

  start(place: () => Place, slept = false): void {
    this.stop();
    this.#run = new AbortController();
    this.#options.sink.link({ kind: 'connecting' });
    void this.#hold(place, slept, this.#run.signal);
  }

  stop(): void {
    this.#run?.abort();
    this.#run = null;
    this.#reads?.stop();
    this.#reads = null;
  }

  wake(): void {
    this.#reads?.wake();
  }

  async #hold(place: () => Place, slept: boolean, stopped: AbortSignal): Promise<void> {
    const { connections, source } = this.#options;
    let permit: Permit | null = await connections.take();
    if (permit === null && !stopped.aborted) {
      this.#read(this.#polls, place);
      permit = await connections.wait(stopped).catch(() => null);
    }
    if (stopped.aborted) return permit?.release();
    stopped.addEventListener('abort', () => permit?.release());
    this.#reads?.stop();
    this.#read(source, place, slept);
  }

  #read(source: Source, place: () => Place, slept?: boolean): void {
    this.#reads = source;
    source.start(place, slept);
  }
}
