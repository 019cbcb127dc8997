// Messages on their way out, one after the other, so that they are published in the order they were written.
//
// It also knows which messages in the log are this page's own, and how long each took from being sent to being
// seen here. Both ends are this page's clock. Either end may be first: a stream often brings a message before the
// publish request has its answer.

import { idempotencyKey } from './identity.ts';
import type { Message } from './message.ts';
import { publish, type Draft, type Published } from './publish.ts';

export interface OutboxListener {
  /** `sending` are without an answer yet; `awaited` are published but not yet seen here. */
  pending(sending: number, awaited: number): void;
  /** A message of this page has been seen in the log. */
  own(cursor: string, delay_ms: number): void;
  /** Nothing of this was published; the texts go back to where they were written. */
  failed(texts: string[], why: Published & { ok: false }): void;
}

interface Item {
  draft: Draft;
  key: string;
  sent_ms: number;
}

/** How many recent arrivals are remembered for an answer that comes after them. */
const RECENT = 500;

export class Outbox {
  readonly #listener: OutboxListener;
  readonly #publish: (draft: Draft, key: string) => Promise<Published>;
  readonly #queue: Item[] = [];
  readonly #awaited = new Map<string, number>();
  readonly #seen = new Map<string, number>();
  /** What may or may not have been published: sent again unchanged, it keeps its key and cannot appear twice. */
  #uncertain: Item | null = null;
  #busy = false;

  constructor(listener: OutboxListener, send: (draft: Draft, key: string) => Promise<Published> = publish) {
    this.#listener = listener;
    this.#publish = send;
  }

  add(draft: Draft): void {
    const before = this.#uncertain;
    const again = before !== null && before.draft.author === draft.author && before.draft.text === draft.text;
    this.#queue.push({ draft, key: again ? before.key : idempotencyKey(), sent_ms: performance.now() });
    this.#report();
    if (!this.#busy) void this.#work();
  }

  seen(messages: Message[]): void {
    const now_ms = performance.now();
    let changed = false;
    for (const { cursor } of messages) {
      const sent_ms = this.#awaited.get(cursor);
      if (sent_ms === undefined) {
        this.#seen.set(cursor, now_ms);
      } else {
        this.#awaited.delete(cursor);
        this.#listener.own(cursor, now_ms - sent_ms);
        changed = true;
      }
    }
    for (const cursor of this.#seen.keys()) {
      if (this.#seen.size <= RECENT) break;
      this.#seen.delete(cursor);
    }
    if (changed) this.#report();
  }

  /** The log was lost or shortened: what was awaited may never come. */
  forget(): void {
    this.#awaited.clear();
    this.#report();
  }

  async #work(): Promise<void> {
    this.#busy = true;
    for (let item = this.#queue[0]; item !== undefined; item = this.#queue[0]) {
      const result = await this.#publish(item.draft, item.key);
      if (result.ok) {
        this.#queue.shift();
        this.#uncertain = null;
        this.#arrived(result.message.cursor, item.sent_ms);
      } else {
        this.#uncertain = result.why === 'refused' ? null : item;
        const texts = this.#queue.splice(0).map(({ draft }) => draft.text);
        this.#listener.failed(texts, result);
      }
      this.#report();
    }
    this.#busy = false;
  }

  #arrived(cursor: string, sent_ms: number): void {
    const seen_ms = this.#seen.get(cursor);
    if (seen_ms === undefined) this.#awaited.set(cursor, sent_ms);
    else this.#listener.own(cursor, seen_ms - sent_ms);
  }

  #report(): void {
    this.#listener.pending(this.#queue.length, this.#awaited.size);
  }
}
