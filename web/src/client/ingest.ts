// The one path by which messages reach the page, whichever transport brought them.
//
// It owns the cursor, so a transport can be stopped at any moment and another one started exactly where the
// first one was. Ids rise through a log, so everything up to the newest id has been seen and is dropped.

import type { Batch, Message, Reset } from './message.ts';
import type { Transport } from './transport.ts';

/** Where a source has to start: after a cursor, or some messages before the newest. */
export type Position = { cursor: string } | { last: number };

export interface IngestListener {
  messages(messages: Message[], transport: Transport): void;
  /** Between the messages before and after this call some may be missing. */
  gap(reason: Reset, transport: Transport): void;
}

/** What a page shows of the past when it is opened. */
const FIRST_LAST = 50;

/** A room that was empty so far has given no cursor; then everything in it is new. The server's limit. */
const WHOLE_LAST = 1_000;

export class Ingest {
  #cursor: string | null = null;
  #newestId = 0;
  #begun = false;
  #lastGap: Reset | null = null;
  readonly #listener: IngestListener;

  constructor(listener: IngestListener) {
    this.#listener = listener;
  }

  get cursor(): string | null {
    return this.#cursor;
  }

  /** The id of the newest message; 0 where there is none. */
  get newestId(): number {
    return this.#newestId;
  }

  position(): Position {
    if (this.#cursor !== null) return { cursor: this.#cursor };
    return { last: this.#begun ? WHOLE_LAST : FIRST_LAST };
  }

  /** A transport has been connected: from now on nothing may be missed. */
  begin(): void {
    this.#begun = true;
  }

  accept(batch: Batch, transport: Transport): void {
    this.#begun = true;
    if (batch.reset !== null) this.#reset(batch.reset, transport);

    const fresh: Message[] = [];
    for (const message of batch.messages) {
      if (message.id <= this.#newestId) continue;
      this.#newestId = message.id;
      fresh.push(message);
    }
    if (batch.cursor !== null) this.#cursor = batch.cursor;
    if (fresh.length > 0) {
      this.#lastGap = null;
      this.#listener.messages(fresh, transport);
    }
  }

  #reset(reason: Reset, transport: Transport): void {
    // Another log counts from the start again; the same log, only shortened, goes on counting. Of a reason not known
    // here either may be so, and to show something twice is better than to lose it.
    if (reason !== 'expired') this.#newestId = 0;
    // A reader that reconnects before the next message is told again; that is still one gap.
    if (this.#lastGap === reason) return;
    this.#lastGap = reason;
    this.#listener.gap(reason, transport);
  }
}
