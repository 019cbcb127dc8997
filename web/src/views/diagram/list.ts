// The diagram's events as a list of sentences: always available to screen readers, and visible on demand.

import { formatCount } from '../../i18n/format.ts';
import { strings } from '../../i18n/index.ts';
import { h } from '../dom.ts';
import { getRowStyle } from '../../lab/diagram/rows.ts';
import type { TimelineEvent } from '../../lab/diagram/sequence.ts';
import { formatExactTime, describeEvent } from './sentences.ts';

/** How many of the newest events are listed. */
const MAX_EVENTS = 100;

/** A list that changes more often would be hard to read. */
const WRITE_INTERVAL_MS = 1_000;

export class EventList {
  readonly element: HTMLElement;
  readonly #list = h('ol', { class: 'events' });
  #pending: TimelineEvent[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(id: string) {
    const { diagram } = strings;
    this.#list.setAttribute('aria-label', diagram.list);
    this.element = h(
      'div',
      { class: 'event-list visually-hidden', id },
      h('p', {}, diagram.listShort(formatCount(MAX_EVENTS))),
      this.#list,
    );
  }

  show(shown: boolean): void {
    this.element.classList.toggle('visually-hidden', !shown);
    // A scrollable list must be reachable by keyboard.
    if (shown) this.element.setAttribute('tabindex', '0');
    else this.element.removeAttribute('tabindex');
    if (shown) this.element.scrollTop = this.element.scrollHeight;
  }

  add(timelineEvents: readonly TimelineEvent[]): void {
    this.#pending = [...this.#pending, ...timelineEvents].slice(-MAX_EVENTS);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#write();
    }, WRITE_INTERVAL_MS);
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#pending = [];
    this.#list.replaceChildren();
  }

  #write(): void {
    const { scrollHeight, scrollTop, clientHeight } = this.element;
    const isAtEnd = scrollHeight - scrollTop - clientHeight < 24;
    for (const timelineEvent of this.#pending) this.#insert(timelineEvent);
    this.#pending = [];
    while (this.#list.childElementCount > MAX_EVENTS) this.#list.firstElementChild?.remove();
    if (isAtEnd) this.element.scrollTop = this.element.scrollHeight;
  }

  /** Inserts in order of time, as the server reports an opened connection only with its first request. */
  #insert(timelineEvent: TimelineEvent): void {
    let before: Element | null = null;
    for (let last = this.#list.lastElementChild; last !== null; last = last.previousElementSibling) {
      if (Number((last as HTMLElement).dataset['at']) <= timelineEvent.at_ms) break;
      before = last;
    }
    this.#list.insertBefore(createItem(timelineEvent), before);
  }
}

function createItem(timelineEvent: TimelineEvent): HTMLLIElement {
  const { kind, transport, connection, at_ms, seq } = timelineEvent;
  return h(
    'li',
    {
      'data-kind': kind,
      'data-look': getRowStyle(timelineEvent),
      'data-transport': transport,
      'data-connection': connection,
      'data-seq': seq,
      'data-at': at_ms,
    },
    h('time', {}, formatExactTime(at_ms)),
    ' ',
    describeEvent(timelineEvent),
  );
}
