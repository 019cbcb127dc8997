// A notice about the whole page, with a button for what the user can do about it.

import { strings } from '../i18n/index.ts';
import { h, setText } from './dom.ts';

export interface NoticeAction {
  label: string;
  act(): void;
}

export class Notice {
  readonly element: HTMLElement;
  readonly #text = h('p', { role: 'alert' });
  readonly #button = h('button', { type: 'button', class: 'quiet' });
  #action: NoticeAction | null = null;

  constructor() {
    const close = h('button', { type: 'button', class: 'quiet' }, strings.pageNotice.close);
    this.element = h(
      'section',
      { class: 'notice', 'aria-label': strings.pageNotice.notice, hidden: true },
      this.#text,
      this.#button,
      close,
    );
    this.#button.addEventListener('click', () => this.#action?.act());
    close.addEventListener('click', () => this.#set('', null));
  }

  show(sentence: string, action: NoticeAction | null = null): void {
    this.#set(sentence, action);
  }

  /** Appends a sentence to the current notice, unless it has the sentence already. */
  append(sentence: string, action: NoticeAction | null = null): void {
    const before = this.#text.textContent;
    if (before.includes(sentence)) return;
    this.#set(before === '' ? sentence : `${before} ${sentence}`, action ?? this.#action);
  }

  /** Removes a sentence that is no longer true, with its action. */
  remove(sentence: string): void {
    const before = this.#text.textContent;
    if (before.includes(sentence)) this.#set(before.replace(sentence, '').trim(), null);
  }

  #set(text: string, action: NoticeAction | null): void {
    this.#action = action;
    this.element.hidden = text === '';
    this.#button.hidden = action === null;
    setText(this.#button, action?.label ?? '');
    setText(this.#text, text);
  }
}
