// A source that holds one of the browser's few connections open. It polls until it gets a slot.

import type { Position } from '../ingest.ts';
import type { ConnectionSlots, ConnectionSlot } from '../connection-slots.ts';
import type { Polling } from './polling.ts';
import { substituteSink, type Sink, type Source } from './source.ts';

export interface SlotLimitedOptions {
  sink: Sink;
  slots: ConnectionSlots;
  /** The source that holds the connection. */
  source: Source;
  /** Creates the polls that are used while there is no slot. */
  polls: (sink: Sink) => Polling;
}

export class SlotLimitedSource implements Source {
  readonly #options: SlotLimitedOptions;
  readonly #polls: Polling;
  #run: AbortController | null = null;
  #reads: Source | null = null;

  constructor(options: SlotLimitedOptions) {
    this.#options = options;
    const { sink } = options;
    const standIn = substituteSink(sink, {
      link: (link) => {
        if (link.kind === 'live') sink.link({ kind: 'live', fallback: { why: 'crowded' } });
        else if (link.kind === 'reconnecting') sink.link(link);
      },
    });
    this.#polls = options.polls(standIn);
  }

  start(position: () => Position, slept = false): void {
    this.stop();
    this.#run = new AbortController();
    this.#options.sink.link({ kind: 'connecting' });
    void this.#hold(position, slept, this.#run.signal);
  }

  stop(): void {
    this.#run?.abort();
    this.#run = null;
    this.#reads?.stop();
    this.#reads = null;
  }

  reconnect(): void {
    this.#reads?.reconnect();
  }

  async #hold(position: () => Position, slept: boolean, stopped: AbortSignal): Promise<void> {
    const { slots, source } = this.#options;
    let permit: ConnectionSlot | null = await slots.take();
    if (permit === null && !stopped.aborted) {
      this.#read(this.#polls, position);
      permit = await slots.wait(stopped).catch(() => null);
    }
    if (stopped.aborted) return permit?.release();
    stopped.addEventListener('abort', () => permit?.release());
    this.#reads?.stop();
    this.#read(source, position, slept);
  }

  #read(source: Source, position: () => Position, slept?: boolean): void {
    this.#reads = source;
    source.start(position, slept);
  }
}
