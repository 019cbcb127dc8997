// The one path for messages of every transport.
//
// It owns the cursor, so any transport can continue where another one stopped. Ids increase through a log, so a message
// with an id up to the newest is a duplicate and is dropped.

import type { Batch, Message, Reset } from './message.ts';
import type { Transport } from './transport.ts';

/** Where a source starts: after a cursor, or with the `last` messages. */
export type Position = { cursor: string } | { last: number };

export interface IngestListener {
  messages(messages: Message[], transport: Transport): void;
  /** Messages may be missing between those before and after this call. */
  gap(reason: Reset, transport: Transport): void;
}

/** How many old messages a new reader asks for. */
const INITIAL_LAST = 50;

/** An empty room gives no cursor, so everything in it is new. This is the server's maximum. */
const MAX_LAST = 1_000;

export class Ingest {
  #cursor: string | null = null;
  #newestId = 0;
  #hasBegun = false;
  #lastGap: Reset | null = null;
  readonly #listener: IngestListener;

  constructor(listener: IngestListener) {
    this.#listener = listener;
  }

  /** The id of the newest message; 0 if there is none. */
  get newestId(): number {
    return this.#newestId;
  }

  position(): Position {
    if (this.#cursor !== null) return { cursor: this.#cursor };
    return { last: this.#hasBegun ? MAX_LAST : INITIAL_LAST };
  }

  /** Call when a transport is connected: no message may be missed from now on. */
  begin(): void {
    this.#hasBegun = true;
  }

  accept(batch: Batch, transport: Transport): void {
    this.#hasBegun = true;
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
    // Ids of another log start again; those of a pruned log continue. For other reasons it may be either, and a
    // duplicate is better than a loss.
    if (reason !== 'expired') this.#newestId = 0;
    // The server repeats the reset if the reader reconnects before the next message; it is still one gap.
    if (this.#lastGap === reason) return;
    this.#lastGap = reason;
    this.#listener.gap(reason, transport);
  }
}
