// A source that holds one of the browser's few connections open. It polls until it gets a slot.

import type { Position } from '../ingest.ts';
import type { ConnectionSlots, ConnectionSlot } from '../connection-slots.ts';
import type { Polling } from './polling.ts';
import { createSubstituteSink, type Sink, type Source } from './source.ts';

export interface SlotLimitedOptions {
  sink: Sink;
  slots: ConnectionSlots;
  /** The source that holds the connection. */
  source: Source;
  /** Creates the polls that are used while there is no slot. */
  createPolls: (sink: Sink) => Polling;
}

export class SlotLimitedSource implements Source {
  readonly #options: SlotLimitedOptions;
  readonly #polls: Polling;
  #run: AbortController | null = null;
  #active: Source | null = null;

  constructor(options: SlotLimitedOptions) {
    this.#options = options;
    const { sink } = options;
    const substitute = createSubstituteSink(sink, {
      link: (link) => {
        if (link.kind === 'live') sink.link({ kind: 'live', fallback: { why: 'crowded' } });
        else if (link.kind === 'reconnecting') sink.link(link);
      },
    });
    this.#polls = options.createPolls(substitute);
  }

  start(position: () => Position, hasSlept = false): void {
    this.stop();
    this.#run = new AbortController();
    this.#options.sink.link({ kind: 'connecting' });
    void this.#hold(position, hasSlept, this.#run.signal);
  }

  stop(): void {
    this.#run?.abort();
    this.#run = null;
    this.#active?.stop();
    this.#active = null;
  }

  reconnect(): void {
    this.#active?.reconnect();
  }

  async #hold(position: () => Position, hasSlept: boolean, stopped: AbortSignal): Promise<void> {
    const { slots, source } = this.#options;
    let slot: ConnectionSlot | null = await slots.take();
    if (slot === null && !stopped.aborted) {
      this.#activate(this.#polls, position);
      slot = await slots.wait(stopped).catch(() => null);
    }
    if (stopped.aborted) return slot?.release();
    stopped.addEventListener('abort', () => slot?.release());
    this.#active?.stop();
    this.#activate(source, position, hasSlept);
  }

  #activate(source: Source, position: () => Position, hasSlept?: boolean): void {
    this.#active = source;
    source.start(position, hasSlept);
  }
}
