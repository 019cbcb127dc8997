// A fake page that tests hide, show and put into the back/forward cache.

import type { PageEvents } from '../src/client/page-lifecycle.ts';

export class FakePage implements PageEvents {
  readonly #document = Object.assign(new EventTarget(), { hidden: false });
  readonly #window = new EventTarget();

  get document(): Document {
    return this.#document as unknown as Document;
  }

  get window(): Window {
    return this.#window as unknown as Window;
  }

  hide(): void {
    this.#document.hidden = true;
    this.#document.dispatchEvent(new Event('visibilitychange'));
  }

  show(): void {
    this.#document.hidden = false;
    this.#document.dispatchEvent(new Event('visibilitychange'));
  }

  goOnline(): void {
    this.#window.dispatchEvent(new Event('online'));
  }

  putAway(): void {
    this.#window.dispatchEvent(new Event('pagehide'));
  }

  restore(persisted: boolean): void {
    this.#window.dispatchEvent(Object.assign(new Event('pageshow'), { persisted }));
  }
}
