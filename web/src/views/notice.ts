// A notice about the whole page, with a button to reload it.

import { strings } from '../i18n/index.ts';
import { h, setText } from './dom.ts';

export class Notice {
  readonly element: HTMLElement;
  readonly #text = h('p', { role: 'alert' });
  readonly #reload = h('button', { type: 'button', class: 'quiet' }, strings.pageNotice.reload);

  constructor() {
    const close = h('button', { type: 'button', class: 'quiet' }, strings.pageNotice.close);
    this.element = h(
      'section',
      { class: 'notice', 'aria-label': strings.pageNotice.notice, hidden: true },
      this.#text,
      this.#reload,
      close,
    );
    this.#reload.addEventListener('click', () => location.reload());
    close.addEventListener('click', () => this.clear());
  }

  /** `reload` shows the button that reloads the page. */
  show(sentence: string, { reload }: { reload: boolean }): void {
    this.element.hidden = false;
    this.#reload.hidden = !reload;
    setText(this.#text, sentence);
  }

  /** Appends a sentence to the current notice. */
  append(sentence: string): void {
    const before = this.element.hidden ? '' : `${this.#text.textContent} `;
    this.show(before + sentence, { reload: before !== '' && !this.#reload.hidden });
  }

  clear(): void {
    this.element.hidden = true;
    setText(this.#text, '');
  }
}
