// The comparison of the lanes: the verdict, the button that starts over, the numbers of each lane on one scale, and in
// each lane how many messages it lacks.

import { Comparison, type ComparisonCaveat } from '../lab/comparison.ts';
import type { Lane } from '../lab/lane.ts';
import { strings } from '../i18n/index.ts';
import { getSharedClient, createStatsLink } from './stats-link.ts';
import { h, setText } from './dom.ts';
import { showGlances } from './glance.ts';
import type { PageLane } from './lane-view.ts';

/** A message that is late by less than this is not reported. */
const LATE_NOTE_DELAY_MS = 120;
/** Delays of messages that still wait grow even without an event. */
const REDRAW_INTERVAL_MS = 1_000;

/** The view in which each lane is compared. */
const VIEWS = new WeakMap<Lane, ComparisonView>();

/** The verdict on several lanes, or the summary of one, as text. */
export function getSentence(lanes: readonly Lane[]): string {
  const [first, second] = lanes;
  if (first === undefined || first.stats.since === null) return strings.noFiguresYet;
  if (second !== undefined) return VIEWS.get(first)?.sentence ?? strings.noFiguresYet;
  const { requests, wire_bytes, messages } = first.stats.chosenTransport.cost;
  return strings.oneLane(strings.transports[first.transport ?? 'poll'], requests, messages, wire_bytes);
}

/** Restarts the lanes of a view from zero, as new clients. */
export function startOver([first]: readonly Lane[]): void {
  if (first !== undefined) VIEWS.get(first)?.startOver();
}

/** Why the figures of several lanes do not belong together; null if they do. */
export function getCaveat([first, second]: readonly Lane[]): ComparisonCaveat | null {
  return first === undefined || second === undefined ? null : (VIEWS.get(first)?.caveat ?? null);
}

export class ComparisonView {
  readonly element: HTMLElement;
  /** Buttons beside the verdict. */
  readonly actions = h('div', { class: 'begin' });
  /** Secondary buttons among `actions`. */
  readonly more = h('div', { class: 'begin-more' });
  readonly #lanes: readonly PageLane[];
  readonly #comparison: Comparison;
  readonly #sentence = h('p', { class: 'verdict', title: strings.verdictFrom });
  readonly #caveat = h('span', { class: 'uneven', hidden: true });
  /** The verdict for screen readers, updated only when its kind changes. */
  readonly #announced = h('p', { class: 'visually-hidden', 'aria-live': 'polite' });
  readonly #notes: HTMLElement[];
  readonly #timers: (ReturnType<typeof setTimeout> | undefined)[] = [];
  #kind = '';
  #isScheduled = false;

  constructor(lanes: readonly PageLane[]) {
    this.#lanes = lanes;
    for (const { lane } of lanes) VIEWS.set(lane, this);
    this.#comparison = new Comparison(
      lanes.map(({ lane }) => lane),
      () => this.#schedule(),
    );
    const again = h(
      'button',
      { type: 'button', class: 'quiet start-over', title: strings.startOverHint },
      strings.startOver,
    );
    again.addEventListener('click', () => this.startOver());
    this.more.append(again);
    this.actions.append(this.#caveat, this.more);
    this.element = h(
      'section',
      { class: 'comparison', 'aria-label': strings.comparison },
      h('h2', { class: 'visually-hidden' }, strings.comparison),
      this.#sentence,
      this.actions,
      this.#announced,
    );
    this.#notes = lanes.map(({ view }) => {
      const note = h('p', { class: 'late', hidden: true });
      view.element.querySelector('.log-frame')?.append(note);
      return note;
    });
    setInterval(() => this.#draw(), REDRAW_INTERVAL_MS);
    this.#draw();
  }

  get sentence(): string {
    this.#draw();
    return this.#sentence.textContent ?? '';
  }

  get caveat(): ComparisonCaveat | null {
    return this.#comparison.caveat;
  }

  startOver(): void {
    this.#comparison.startOver();
    this.#draw();
  }

  /** Draws once for all events of one task. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#draw();
    });
  }

  #draw(): void {
    if (!this.element.isConnected && this.#kind !== '') return;
    showGlances(
      this.#lanes.map(({ view }) => view.glance),
      this.#comparison,
    );
    this.#lanes.forEach((_, at) => this.#drawMissingNote(at, LATE_NOTE_DELAY_MS));
    if (this.#lanes.length < 2) return;
    const { kind, content } = this.#describe();
    if (content.length === 1 && typeof content[0] === 'string') setText(this.#sentence, content[0]);
    else this.#sentence.replaceChildren(...content);
    this.element.dataset['kind'] = kind.split(' ')[0] ?? '';
    const { caveat } = this.#comparison;
    this.#caveat.hidden = caveat === null;
    setText(this.#caveat, caveat === null ? '' : strings.caveats[caveat]);
    if (kind === this.#kind) return;
    this.#kind = kind;
    setText(this.#announced, this.#sentence.textContent ?? '');
  }

  /** The content of the verdict, and its kind. The same kind with other figures is not announced again. */
  #describe(): { kind: string; content: (Node | string)[] } {
    const followers = this.#lanes.flatMap(({ lane }) => {
      const client = getSharedClient(lane);
      return client === null
        ? []
        : [
            strings.readsAlong(strings.transports[lane.transport ?? 'poll']),
            ' ',
            createStatsLink(client),
            '. ',
          ];
    });
    if (followers.length > 0) return { kind: 'along', content: followers };
    if (this.#comparison.isUnreadable && !this.#comparison.hasFigures)
      return { kind: 'unreadable', content: [strings.unreadable] };
    const { state } = this.#comparison;
    switch (state.kind) {
      case 'opening':
        return { kind: 'opening', content: [strings.opening(state.lanes)] };
      case 'counting':
        return { kind: 'counting', content: [strings.counting(state.seen, state.needed, state.nextPoll)] };
      case 'stalled': {
        const { lane, silent_ms, waiting } = state;
        return {
          kind: `stalled ${lane.transport} ${lane.side}`,
          content: [strings.stalled(lane, silent_ms, waiting)],
        };
      }
      case 'compared': {
        const { perMessage } = state.verdict;
        const named = [perMessage?.costlier, perMessage?.cheaper].map(
          (lane) => `${lane?.transport} ${lane?.side}`,
        );
        const kinds = [...named, perMessage?.bytes.kind, perMessage?.arrival?.kind];
        return { kind: `compared ${kinds.join(' ')}`, content: [strings.verdict(state.verdict)] };
      }
    }
  }

  #drawMissingNote(at: number, delay_ms: number): void {
    const note = this.#notes[at];
    if (note === undefined) return;
    const missing = this.#comparison.countMissing(at);
    this.#lanes[at]?.view.setWaiting(missing > 0);
    if (missing > 0 && note.hidden && delay_ms > 0) {
      // Not started again: at a high rate, the next message comes before it ends.
      this.#timers[at] ??= setTimeout(() => this.#drawMissingNote(at, 0), delay_ms);
      return;
    }
    clearTimeout(this.#timers[at]);
    this.#timers[at] = undefined;
    note.hidden = missing === 0;
    if (missing > 0) setText(note, strings.notHereYet(missing));
  }
}
