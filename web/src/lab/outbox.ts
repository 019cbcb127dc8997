// Publishes messages one at a time, in the order in which they were written.

import { idempotencyKey } from './identity.ts';
import type { Message } from '../client/message.ts';
import { publish, type Draft, type PublishResult } from './publish.ts';

export interface OutboxListener {
  /** How many messages have no response yet. */
  sending(messages: number): void;
  /** The message is in the log. `sent_ms` is when it was written, by `performance.now()`. */
  published(message: Message, sent_ms: number): void;
  /** These texts were not published; they return to the composer. */
  failed(texts: string[], why: PublishResult & { ok: false }): void;
}

interface Item {
  draft: Draft;
  key: string;
  sent_ms: number;
}

export class Outbox {
  readonly #listener: OutboxListener;
  readonly #publish: (draft: Draft, key: string) => Promise<PublishResult>;
  readonly #queue: Item[] = [];
  /**
   * A message that may have been published. If it is sent again unchanged it keeps its key, so it cannot appear
   * twice.
   */
  #uncertain: Item | null = null;
  #busy = false;

  constructor(
    listener: OutboxListener,
    send: (draft: Draft, key: string) => Promise<PublishResult> = publish,
  ) {
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

  async #work(): Promise<void> {
    this.#busy = true;
    for (let item = this.#queue[0]; item !== undefined; item = this.#queue[0]) {
      const result = await this.#publish(item.draft, item.key);
      if (result.ok) {
        this.#queue.shift();
        this.#uncertain = null;
        this.#listener.published(result.message, item.sent_ms);
      } else {
        this.#uncertain = result.why === 'refused' ? null : item;
        const texts = this.#queue.splice(0).map(({ draft }) => draft.text);
        this.#listener.failed(texts, result);
      }
      this.#report();
    }
    this.#busy = false;
  }

  #report(): void {
    this.#listener.sending(this.#queue.length);
  }
}
