// The guided tour: five steps beside the things they speak of. It blocks nothing, and can be left and begun again.
// What a step speaks of it brings up; whoever leaves before the end has the view back that there was.

import { strings } from '../i18n/index.ts';
import type { View } from '../lab/view.ts';
import { h, setText } from './dom.ts';
import { placePopover } from './popover-placement.ts';

interface Step {
  title: string;
  text: string;
  /** What it speaks of: the first of these that is on the page. */
  target: string[];
  /** What has to be folded out on a small screen. */
  fold?: string;
  /** It speaks of two lanes. */
  both?: boolean;
  /** What it is read beside, and must not cover either. */
  spare?: string;
}

const DISMISSED_KEY = 'poll-vs-sse.tour';

/** Asked anew each time: other parts of the page come and change with the view. */
function steps(): Step[] {
  const { post, watch, burst, cut, cutWithout, bill } = strings.tour.steps;
  const network = '.network-choice';
  const how = document.querySelector(network) === null ? cutWithout : cut;
  return [
    { ...post, target: ['.composer'] },
    { ...watch, target: ['.views'] },
    { ...burst, target: ['.traffic-frame'], fold: '.traffic-fold', both: true },
    { ...how, target: [network, '.status'], both: true, spare: network },
    { ...bill, target: ['.comparison', '.cost'], both: true, spare: '.cost table' },
  ];
}

export class Tour {
  readonly button: HTMLButtonElement;
  readonly element: HTMLElement;
  readonly #title = h('h2');
  readonly #count = h('p', { class: 'tour-count' });
  readonly #text = h('p');
  readonly #back = h('button', { type: 'button', class: 'quiet' }, strings.tour.back);
  readonly #next = h('button', { type: 'button' });
  #at = 0;
  /** The tour itself has brought up two lanes. */
  #changed = false;
  #target: Element | null = null;

  constructor() {
    this.button = h('button', { type: 'button', class: 'quiet tour-button' }, strings.tour.tour);
    this.button.toggleAttribute('data-new', !isDismissed());
    const skip = h('button', { type: 'button', class: 'quiet' }, strings.tour.skip);
    this.element = h(
      'section',
      { class: 'tour', 'aria-label': strings.tour.tour, tabindex: -1, hidden: true },
      this.#count,
      this.#title,
      this.#text,
      h('div', { class: 'tour-buttons' }, this.#back, this.#next, skip),
    );
    this.button.addEventListener('click', () => this.#go(0));
    this.#back.addEventListener('click', () => this.#go(this.#at - 1));
    this.#next.addEventListener('click', () => this.#go(this.#at + 1));
    skip.addEventListener('click', () => this.#leave());
    this.element.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.#leave();
    });
    for (const moved of ['resize', 'scroll'])
      window.addEventListener(moved, () => this.#place(), { passive: true, capture: true });
  }

  /** The view has changed, and with it perhaps what the step speaks of. */
  refresh(): void {
    if (!this.element.hidden) this.#show();
  }

  #go(step: number): void {
    if (step >= steps().length) {
      this.#changed = false;
      return this.#end();
    }
    this.#at = Math.max(0, step);
    dismiss();
    this.button.toggleAttribute('data-new', false);
    this.element.hidden = false;
    if (steps()[this.#at]?.both === true && choose('both')) this.#changed = true;
    this.#show();
    this.element.focus({ preventScroll: true });
  }

  #show(): void {
    const all = steps();
    const step = all[this.#at];
    if (step === undefined) return;
    setText(this.#count, strings.tour.step(this.#at + 1, all.length));
    setText(this.#title, step.title);
    setText(this.#text, step.text);
    this.#back.disabled = this.#at === 0;
    setText(this.#next, this.#at === all.length - 1 ? strings.tour.done : strings.tour.next);

    this.#target?.classList.remove('toured');
    this.#target =
      step.target.map((each) => document.querySelector(each)).find((each) => each !== null) ?? null;
    this.#target?.classList.add('toured');
    const fold = step.fold === undefined ? null : document.querySelector<HTMLElement>(step.fold);
    if (fold?.getAttribute('aria-expanded') === 'false' && fold.offsetParent !== null) fold.click();
    this.#target?.scrollIntoView({ block: 'nearest' });
    this.#place();
  }

  #place(): void {
    if (this.element.hidden || this.#target === null) return;
    const spare = steps()[this.#at]?.spare;
    const spared = spare === undefined ? [] : document.querySelectorAll(spare);
    placePopover(this.element, this.#target, [...spared]);
  }

  #leave(): void {
    this.#end();
    if (this.#changed) choose('one');
    this.#changed = false;
  }

  #end(): void {
    this.element.hidden = true;
    this.#target?.classList.remove('toured');
    this.#target = null;
    this.button.focus();
  }
}

/** Presses the button of a view, and tells whether there was a need to. */
function choose(view: View): boolean {
  const button = document.querySelector<HTMLElement>(`.views [data-view=${view}][aria-pressed=false]`);
  button?.click();
  return button !== null;
}

/** Storage may be switched off; then the tour is offered as new each time. */
function isDismissed(): boolean {
  try {
    return localStorage.getItem(DISMISSED_KEY) !== null;
  } catch {
    return false;
  }
}

function dismiss(): void {
  try {
    localStorage.setItem(DISMISSED_KEY, 'taken');
  } catch {
    // Nothing depends on it.
  }
}
