// A notice about the whole page, with a button for what the user can do about it.

import { strings } from '../i18n/index.ts';
import { h, setText } from './dom.ts';

export interface NoticeAction {
  label: string;
  act(): void;
}

interface NoticeSentence {
  sentence: string;
  action: NoticeAction | null;
}

export class Notice {
  readonly element: HTMLElement;
  readonly #text = h('p', { role: 'alert' });
  readonly #button = h('button', { type: 'button', class: 'quiet' });
  #sentences: readonly NoticeSentence[] = [];
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
    close.addEventListener('click', () => this.#set([]));
  }

  show(sentence: string, action: NoticeAction | null = null): void {
    this.#set([{ sentence, action }]);
  }

  /** Appends a sentence to the current notice, unless it has the sentence already. */
  append(sentence: string, action: NoticeAction | null = null): void {
    const isThere = this.#sentences.some((each) => each.sentence === sentence);
    if (!isThere) this.#set([...this.#sentences, { sentence, action }]);
  }

  /** Removes a sentence that is no longer true, with its action. */
  remove(sentence: string): void {
    this.#set(this.#sentences.filter((each) => each.sentence !== sentence));
  }

  /** The button is for the newest sentence that has an action. */
  #set(sentences: readonly NoticeSentence[]): void {
    this.#sentences = sentences;
    this.#action = sentences.flatMap(({ action }) => action ?? []).at(-1) ?? null;
    this.element.hidden = sentences.length === 0;
    this.#button.hidden = this.#action === null;
    setText(this.#button, this.#action?.label ?? '');
    setText(this.#text, sentences.map(({ sentence }) => sentence).join(' '));
  }
}
