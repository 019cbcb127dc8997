// Publishes messages one at a time, in the order in which they were written.

import { createIdempotencyKey } from './identity.ts';
import type { Message } from '../client/message.ts';
import { isRefusal, publish, type Draft, type PublishResult } from './publish.ts';

export interface OutboxListener {
  /** How many messages have no response yet. */
  sending(messages: number): void;
  /** The message is in the log. `sent_ms` is when it was written, by `performance.now()`. */
  published(message: Message, sent_ms: number): void;
  /** These texts were not published; they return to the composer. */
  failed(texts: string[], why: PublishResult & { ok: false }): void;
}

interface OutboxItem {
  draft: Draft;
  key: string;
  sent_ms: number;
}

export class Outbox {
  readonly #listener: OutboxListener;
  readonly #publish: (draft: Draft, key: string) => Promise<PublishResult>;
  readonly #queue: OutboxItem[] = [];
  /**
   * A message that may have been published. If it is sent again unchanged it keeps its key, so it cannot appear
   * twice.
   */
  #unconfirmed: OutboxItem | null = null;
  #isBusy = false;

  constructor(
    listener: OutboxListener,
    send: (draft: Draft, key: string) => Promise<PublishResult> = publish,
  ) {
    this.#listener = listener;
    this.#publish = send;
  }

  add(draft: Draft): void {
    const before = this.#unconfirmed;
    const isRepeat =
      before !== null && before.draft.author === draft.author && before.draft.text === draft.text;
    // The same text once more, while this one is on its way, is another message.
    if (isRepeat) this.#unconfirmed = null;
    this.#queue.push({
      draft,
      key: isRepeat ? before.key : createIdempotencyKey(),
      sent_ms: performance.now(),
    });
    this.#report();
    if (!this.#isBusy) void this.#publishQueue();
  }

  async #publishQueue(): Promise<void> {
    this.#isBusy = true;
    for (let item = this.#queue[0]; item !== undefined; item = this.#queue[0]) {
      const result = await this.#publish(item.draft, item.key);
      if (result.ok) {
        this.#queue.shift();
        this.#listener.published(result.message, item.sent_ms);
      } else {
        this.#unconfirmed = isRefusal(result) ? null : item;
        const texts = this.#queue.splice(0).map(({ draft }) => draft.text);
        this.#listener.failed(texts, result);
      }
      this.#report();
    }
    this.#isBusy = false;
  }

  #report(): void {
    this.#listener.sending(this.#queue.length);
  }
}
