// The guided tour: five steps. Each performs an action, points at the element that changes, and reports the outcome.
// The tour is not modal. It can be left and started again; leaving it early restores the previous view.

import { strings } from '../i18n/index.ts';
import { beforeNextFrame, h, setText } from './dom.ts';
import type { NarrowTab } from './narrow.ts';
import { placePopover } from './popover-placement.ts';
import { type TourAct, ACTS, type TourStage } from './tour-acts.ts';

interface TourStep {
  title: string;
  text: string;
  /** Selectors of the element to point at; the first that matches is used. */
  target: string[];
  /** The selector of the element to point at as soon as there is an outcome. */
  result?: string;
  act?: TourAct;
  /** Whether the step needs two lanes. */
  needsTwoLanes?: boolean;
  /** The tab that shows the target in a narrow window, if not both do. */
  tab?: NarrowTab;
}

const DISMISSED_KEY = 'poll-vs-sse.tour';
/** Elements that the card should not cover. */
const AVOIDED = '.composer, .verdict, .network-choice, .message:last-child';

const { post, watch, burst, cut, bill } = strings.tour.steps;
const STEPS: readonly TourStep[] = [
  { ...post, target: ['.log-frame'], result: '.message:last-child', act: ACTS.post, tab: 'conversation' },
  { ...watch, target: ['.picture'], act: ACTS.watch, needsTwoLanes: true, tab: 'diagram' },
  { ...burst, target: ['.glance'], act: ACTS.burst, needsTwoLanes: true, tab: 'diagram' },
  { ...cut, target: ['.lane-head .status', '.status'], act: ACTS.cut, needsTwoLanes: true },
  { ...bill, target: ['.comparison', '.cost'], needsTwoLanes: true, tab: 'diagram' },
];

export class Tour {
  readonly button: HTMLButtonElement;
  readonly element: HTMLElement;
  readonly #stage: TourStage;
  readonly #title = h('h2');
  readonly #count = h('p', { class: 'tour-count' });
  readonly #text = h('p');
  readonly #outcome = h('p', { class: 'tour-outcome', 'aria-live': 'polite' });
  readonly #back = h('button', { type: 'button', class: 'quiet' }, strings.tour.back);
  readonly #next = h('button', { type: 'button' });
  #step = 0;
  /** Whether the tour has switched from one lane to two. */
  #hasSwitchedView = false;
  /** The tab before the tour. */
  #previousTab: NarrowTab | null = null;
  #target: Element | null = null;
  #actAbort = new AbortController();

  constructor(stage: TourStage) {
    this.#stage = stage;
    this.button = h('button', { type: 'button', class: 'quiet tour-button' }, strings.tour.tour);
    this.button.toggleAttribute('data-new', !isDismissed());
    const skip = h('button', { type: 'button', class: 'quiet' }, strings.tour.skip);
    this.element = h(
      'section',
      { class: 'tour', 'aria-label': strings.tour.tour, tabindex: -1, hidden: true },
      this.#count,
      this.#title,
      this.#text,
      this.#outcome,
      h('div', { class: 'tour-buttons' }, this.#back, this.#next, skip),
    );
    // Also while the tour is open, the first step acts again.
    this.button.addEventListener('click', () => this.#goTo(0, true));
    this.#back.addEventListener('click', () => this.#goTo(this.#step - 1));
    this.#next.addEventListener('click', () => this.#goTo(this.#step + 1));
    skip.addEventListener('click', () => this.#leave());
    this.element.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return;
      // Present mode stays.
      event.preventDefault();
      this.#leave();
    });
    for (const moved of ['resize', 'scroll'])
      window.addEventListener(moved, () => this.#place(), { passive: true, capture: true });
  }

  /** Call when the view has changed, and with it perhaps the step's target. */
  refresh(): void {
    if (!this.element.hidden) this.#show();
  }

  /** Going back only shows the step; its act was before. */
  #goTo(step: number, acts = step > this.#step): void {
    this.#actAbort.abort();
    if (step >= STEPS.length) {
      this.#hasSwitchedView = false;
      this.#previousTab = null;
      return this.#end();
    }
    this.#step = Math.max(0, step);
    dismiss();
    this.button.toggleAttribute('data-new', false);
    this.element.hidden = false;
    if (STEPS[this.#step]?.needsTwoLanes === true && this.#stage.view === 'one') {
      this.#stage.choose('both');
      this.#hasSwitchedView = true;
    }
    const tab = STEPS[this.#step]?.tab;
    this.#previousTab ??= this.#stage.tabs.chosen;
    if (tab !== undefined && tab !== this.#stage.tabs.chosen) this.#stage.tabs.choose(tab);
    setText(this.#outcome, '');
    this.#show();
    this.element.focus({ preventScroll: true });
    if (acts) void this.#act();
  }

  async #act(): Promise<void> {
    const { act, result } = STEPS[this.#step] ?? {};
    if (act === undefined) return;
    const { signal } = (this.#actAbort = new AbortController());
    setText(this.#outcome, strings.tour.acting);
    this.#place();
    try {
      const outcome = await act(this.#stage, signal, (soFar) => {
        setText(this.#outcome, `${strings.tour.acting} ${soFar}`);
        this.#place();
      });
      if (signal.aborted) return;
      setText(this.#outcome, outcome);
      this.#place();
      // The log draws the message before the next frame, too.
      if (result !== undefined) beforeNextFrame(() => void (signal.aborted || this.#pointAt([result])));
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  #show(): void {
    const step = STEPS[this.#step];
    if (step === undefined) return;
    setText(this.#count, strings.tour.step(this.#step + 1, STEPS.length));
    setText(this.#title, step.title);
    setText(this.#text, step.text);
    this.#back.disabled = this.#step === 0;
    setText(this.#next, this.#step === STEPS.length - 1 ? strings.tour.done : strings.tour.next);
    this.#pointAt(step.target);
  }

  /** Points at the first element that there is. */
  #pointAt(selectors: readonly string[]): void {
    const found = selectors.map((each) => document.querySelector(each)).find((each) => each !== null);
    this.#target?.classList.remove('toured');
    this.#target = found ?? this.#target;
    this.#target?.classList.add('toured');
    this.#target?.scrollIntoView({ block: 'nearest' });
    this.#place();
  }

  #place(): void {
    if (this.element.hidden || this.#target === null) return;
    placePopover(this.element, this.#target, [...document.querySelectorAll(AVOIDED)]);
  }

  #leave(): void {
    this.#actAbort.abort();
    this.#end();
    if (this.#hasSwitchedView) this.#stage.choose('one');
    if (this.#previousTab !== null) this.#stage.tabs.choose(this.#previousTab);
    this.#hasSwitchedView = false;
    this.#previousTab = null;
  }

  #end(): void {
    this.element.hidden = true;
    this.#target?.classList.remove('toured');
    this.#target = null;
    // In a narrow window the button is hidden in the settings.
    const isShown = this.button.getClientRects().length > 0;
    (isShown ? this.button : document.querySelector<HTMLElement>('.settings-button'))?.focus();
  }
}

/** Without storage, the tour is marked as new each time. */
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
    // The tour is just marked as new again.
  }
}
