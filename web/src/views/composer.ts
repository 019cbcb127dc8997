// The form for writing a message, and the state of sending it.

import { loadName, saveName } from '../lab/identity.ts';
import { strings } from '../i18n/index.ts';
import { h, setText } from './dom.ts';
import { watchInputMethod } from './input-method.ts';

/** The server's limits, in Unicode characters. */
const NAME_LIMIT = 64;
const TEXT_LIMIT = 4_096;

const CONTROL = /\p{Cc}/u;
/** A text may have line breaks and tabs. */
const CONTROL_EXCEPT_SPACE = /[^\P{Cc}\n\t]/u;

/** A message that arrives sooner than this is not reported as pending. */
const PENDING_DELAY_MS = 400;

export class Composer {
  readonly element: HTMLFormElement;
  readonly #name: HTMLInputElement;
  readonly #text: HTMLTextAreaElement;
  readonly #problem: HTMLElement;
  readonly #pending: HTMLElement;
  #pendingTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(send: (author: string, text: string) => void) {
    this.#name = h('input', { id: 'name', autocomplete: 'nickname', spellcheck: 'false', dir: 'auto' });
    this.#name.value = loadName();
    this.#text = h('textarea', { id: 'message', rows: 1, dir: 'auto', enterkeyhint: 'send' });
    this.#problem = h('p', { class: 'problem', role: 'alert', id: 'problem' });
    this.#pending = h('p', { class: 'pending' });
    this.element = h(
      'form',
      { class: 'composer', novalidate: true, autocomplete: 'on' },
      h('h2', { class: 'visually-hidden' }, strings.skipLinks.to.write),
      h('div', { class: 'field field-name' }, h('label', { for: 'name' }, strings.name), this.#name),
      h('div', { class: 'field field-message' }, h('label', { for: 'message' }, strings.message), this.#text),
      h('button', { class: 'send', type: 'submit' }, strings.send),
      h('div', { class: 'composer-notes' }, this.#problem, this.#pending),
    );

    const isInputMethodEnter = watchInputMethod(this.#text);
    this.#text.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || event.shiftKey || isInputMethodEnter(event)) return;
      event.preventDefault();
      this.element.requestSubmit();
    });
    const isInputMethodEnterInName = watchInputMethod(this.#name);
    this.#name.addEventListener('keydown', (event) => {
      // In this field the browser itself submits the form on Enter.
      if (event.key === 'Enter' && !event.isComposing && isInputMethodEnterInName(event))
        event.preventDefault();
    });
    this.#name.addEventListener('change', () => saveName(this.#name.value.trim()));
    for (const field of [this.#name, this.#text]) {
      field.addEventListener('input', () => this.#check());
    }
    this.element.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit(send);
    });
  }

  /** The name in the field; null if the server would refuse it. */
  get author(): string | null {
    const name = this.#name.value.trim();
    return name === '' || findNameProblem(name) !== null ? null : name;
  }

  /** Shows `sentence` about a message that is on its way; null clears it. */
  showPending(sentence: string | null): void {
    clearTimeout(this.#pendingTimer);
    if (sentence === null || this.#pending.textContent !== '') setText(this.#pending, sentence ?? '');
    else this.#pendingTimer = setTimeout(() => setText(this.#pending, sentence), PENDING_DELAY_MS);
  }

  /** Puts back texts that were not sent, before what has been written since. */
  restore(texts: string[], sentence: string): void {
    this.#text.value = [...texts, this.#text.value].filter((text) => text !== '').join('\n');
    this.#announce(sentence);
  }

  /** Shows the first problem at the field that has it. Returns whether there is one. */
  #check(focus = false): boolean {
    const name = findNameProblem(this.#name.value.trim());
    const problem = name ?? findTextProblem(this.#text.value.trim());
    this.#showError(name === null ? this.#text : this.#name, problem, focus);
    return problem !== null;
  }

  #submit(send: (author: string, text: string) => void): void {
    const author = this.#name.value.trim();
    const text = this.#text.value.trim();
    if (author === '') return this.#showError(this.#name, strings.needName, true);
    if (text === '') return this.#showError(this.#text, strings.needText, true);
    if (this.#check(true)) return;
    saveName(author);
    this.#text.value = '';
    send(author, text);
  }

  #showError(field: HTMLElement, sentence: string | null, focus = false): void {
    for (const each of [this.#name, this.#text]) {
      const isAtFault = sentence !== null && each === field;
      each.toggleAttribute('aria-invalid', false);
      if (isAtFault) each.setAttribute('aria-invalid', 'true');
      if (isAtFault) each.setAttribute('aria-describedby', 'problem');
      else each.removeAttribute('aria-describedby');
    }
    this.#announce(sentence ?? '');
    if (focus && sentence !== null) field.focus();
  }

  #announce(sentence: string): void {
    setText(this.#problem, sentence);
  }
}

/** Checks the server's rules for a name, to explain a violation in the page's language. */
function findNameProblem(name: string): string | null {
  if (countCharacters(name) > NAME_LIMIT) return strings.longName(NAME_LIMIT);
  return CONTROL.test(name) ? strings.controlName : null;
}

/** The same for a text. */
function findTextProblem(text: string): string | null {
  if (CONTROL_EXCEPT_SPACE.test(text)) return strings.controlText;
  const over = countCharacters(text) - TEXT_LIMIT;
  return over > 0 ? strings.longText(over) : null;
}

/** Counts Unicode characters, as the server does. Short strings are counted in UTF-16 units, which is never less. */
function countCharacters(text: string): number {
  return text.length <= NAME_LIMIT ? text.length : Array.from(text).length;
}
