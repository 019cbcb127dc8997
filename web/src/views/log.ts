// The log of messages in order of arrival, on a rail that shows which transport delivered them.

import type { Delay } from '../lab/clock.ts';
import { formatDelay, formatFullTime, formatTimeOfDay } from '../i18n/format.ts';
import type { SeenMessage } from '../lab/client-stats.ts';
import type { Message, Reset } from '../client/message.ts';
import { strings } from '../i18n/index.ts';
import type { Transport } from '../client/transport.ts';
import { watchSize } from './browser.ts';
import { beforeNextFrame, h, setText } from './dom.ts';

/** How many messages and notes are kept in the document. */
const MAX_ROWS = 500;

/** Messages of one author within this time share one heading. */
const GROUP_WINDOW_MS = 120_000;

/** The minimum time between drawings. The first message after a pause is drawn at once. */
const DRAW_INTERVAL_MS = 100;

/** A scroll position this close to the end counts as the end. */
const NEAR_PX = 48;

type LogEntry = (SeenMessage & { transport: Transport }) | { gap: Reset };

export class LogView {
  readonly element: HTMLElement;
  readonly #scroller: HTMLElement;
  readonly #list: HTMLOListElement;
  readonly #older: HTMLElement;
  readonly #empty: HTMLElement;
  readonly #jump: HTMLButtonElement;
  readonly #rows = new Map<string, HTMLLIElement>();
  readonly #own = new Map<string, Delay>();
  #pending: LogEntry[] = [];
  /** Whether more messages arrived between two drawings than are kept. */
  #hasOverflowed = false;
  #isScheduled = false;
  #isWaiting = false;
  #drawn_ms = -Infinity;
  #isAtEnd = true;
  #top_px = 0;
  #unread = 0;
  #last: { message: Message; transport: Transport } | null = null;

  constructor(room: string) {
    this.#list = h('ol', { class: 'messages' });
    this.#older = h('p', { class: 'older', hidden: true }, strings.older(MAX_ROWS));
    this.#empty = h(
      'div',
      { class: 'empty', hidden: true },
      h('p', { class: 'empty-title' }, strings.emptyTitle(room)),
      h('p', { class: 'empty-hint' }, strings.emptyHint),
    );
    this.#scroller = h(
      'div',
      { class: 'log', role: 'log', 'aria-label': strings.log, 'aria-busy': 'true', tabindex: 0 },
      this.#older,
      this.#empty,
      this.#list,
    );
    this.#jump = h('button', { class: 'jump', type: 'button', hidden: true });
    const heading = h('h3', { class: 'visually-hidden' }, strings.log);
    this.element = h('div', { class: 'log-frame' }, heading, this.#scroller, this.#jump);

    this.#scroller.addEventListener('scroll', () => this.#onScroll(), { passive: true });
    this.#jump.addEventListener('click', () => {
      this.scrollToEnd();
      this.#scroller.focus({ preventScroll: true });
    });
    // Keeps a reader at the end when the log or its content changes size: the composer grows, the cost unfolds, and a
    // row's height is only estimated until it is drawn.
    watchSize([this.#scroller, this.#list], () => {
      if (this.#isAtEnd) this.scrollToEnd();
    });
  }

  addMessages(seen: SeenMessage[], transport: Transport): void {
    for (const seenMessage of seen) this.#pending.push({ ...seenMessage, transport });
    this.#schedule();
  }

  showGap(reason: Reset): void {
    this.#pending.push({ gap: reason });
    this.#schedule();
  }

  /** History has been read, even if it is empty. */
  markStarted(): void {
    this.#schedule();
  }

  /** Whether another lane has messages that this one lacks, so that the room is not empty. */
  setWaiting(isWaiting: boolean): void {
    if (isWaiting === this.#isWaiting) return;
    this.#isWaiting = isWaiting;
    this.#showEmpty();
  }

  setOwnDelay(cursor: string, delay: Delay): void {
    const row = this.#rows.get(cursor);
    if (row === undefined) this.#own.set(cursor, delay);
    else markOwn(row, delay);
  }

  #schedule(): void {
    this.#dropSurplus();
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    const wait_ms = this.#drawn_ms + DRAW_INTERVAL_MS - performance.now();
    if (wait_ms > 0) setTimeout(() => beforeNextFrame(() => this.#draw()), wait_ms);
    else beforeNextFrame(() => this.#draw());
  }

  #dropSurplus(): void {
    const surplus = this.#pending.length - MAX_ROWS;
    if (surplus <= 0) return;
    this.#pending.splice(0, surplus);
    this.#unread += surplus;
    this.#hasOverflowed = true;
  }

  #draw(): void {
    this.#isScheduled = false;
    this.#drawn_ms = performance.now();
    const entries = this.#pending;
    this.#pending = [];

    // The rows on the page are older than the dropped messages, and the log must not have a hole.
    if (this.#hasOverflowed) this.#clear();

    const rows = document.createDocumentFragment();
    for (const entry of entries) {
      rows.append('gap' in entry ? this.#gapRow(entry.gap) : this.#messageRow(entry));
    }
    this.#list.append(rows);
    this.#trim();
    if (this.#scroller.getAttribute('aria-busy') === 'true')
      this.#scroller.setAttribute('aria-busy', 'false');
    this.#showEmpty();

    if (this.#isAtEnd) {
      this.scrollToEnd();
    } else {
      this.#unread += entries.filter((entry) => 'message' in entry).length;
      this.#showJump();
    }
  }

  #showEmpty(): void {
    const hasStarted = this.#scroller.getAttribute('aria-busy') === 'false';
    this.#empty.hidden = !hasStarted || this.#isWaiting || this.#list.childElementCount > 0;
  }

  #clear(): void {
    this.#hasOverflowed = false;
    this.#list.replaceChildren();
    this.#rows.clear();
    this.#last = null;
    this.#older.hidden = false;
  }

  #messageRow({ message, delay, own, transport }: SeenMessage & { transport: Transport }): HTMLLIElement {
    const before = this.#last;
    this.#last = { message, transport };
    const hasSwitched = before !== null && before.transport !== transport;
    const isGrouped =
      !hasSwitched &&
      before !== null &&
      before.message.author === message.author &&
      Date.parse(message.sent_at) - Date.parse(before.message.sent_at) < GROUP_WINDOW_MS;

    const meta = h('p', { class: 'by' }, h('bdi', { class: 'author' }, message.author));
    const row = h(
      'li',
      {
        class: isGrouped ? 'message together' : 'message',
        'data-id': message.id,
        'data-transport': transport,
      },
      h(
        'time',
        { datetime: message.sent_at, title: formatFullTime(message.sent_at) },
        formatTimeOfDay(message.sent_at),
      ),
      meta,
      h('p', { class: 'text', dir: 'auto' }, message.text),
    );
    if (hasSwitched) {
      row.classList.add('switched');
      row.prepend(h('p', { class: 'from-here' }, strings.fromHere(strings.transports[transport])));
    }
    this.#rows.set(message.cursor, row);
    const ownDelay = this.#own.get(message.cursor) ?? (own ? delay : null);
    this.#own.delete(message.cursor);
    if (ownDelay !== null) markOwn(row, ownDelay);
    else if (delay !== null) showDelay(row, delay);
    return row;
  }

  #gapRow(reason: Reset): HTMLLIElement {
    this.#last = null;
    return h('li', { class: 'gap' }, strings.gap[reason]);
  }

  #trim(): void {
    // While the user reads further up, more old rows are kept.
    const max = this.#isAtEnd ? MAX_ROWS : 2 * MAX_ROWS;
    const surplus = this.#list.childElementCount - max;
    if (surplus <= 0) return;
    for (let i = 0; i < surplus; i++) this.#list.firstElementChild?.remove();
    this.#older.hidden = false;
    for (const cursor of this.#rows.keys()) {
      if (this.#rows.size <= max) break;
      this.#rows.delete(cursor);
    }
  }

  #onScroll(): void {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    // If the end moved away and the user did not scroll up, keep following the end.
    const isFollowing = this.#isAtEnd && scrollTop >= this.#top_px;
    this.#top_px = scrollTop;
    this.#isAtEnd = isFollowing || scrollHeight - scrollTop - clientHeight < NEAR_PX;
    if (this.#isAtEnd && this.#unread > 0) {
      this.#unread = 0;
      this.#showJump();
    }
  }

  scrollToEnd(): void {
    this.#isAtEnd = true;
    this.#unread = 0;
    this.#showJump();
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#top_px = this.#scroller.scrollTop;
  }

  #showJump(): void {
    this.#jump.hidden = this.#unread === 0;
    setText(this.#jump, this.#unread === 0 ? '' : strings.unread(this.#unread));
  }
}

function markOwn(row: HTMLLIElement, delay: Delay): void {
  if (row.classList.contains('own')) return;
  row.classList.add('own');
  row.querySelector('.by')?.append(h('span', { class: 'you' }, strings.own));
  showDelay(row, delay);
}

function showDelay(row: HTMLLIElement, delay: Delay): void {
  const amount = formatDelay(delay);
  const [before = '', after = ''] = strings.seenAfter(amount).split(amount);
  const shown = row.querySelector('.delay') ?? row.appendChild(h('p', { class: 'delay' }));
  shown.replaceChildren(before, h('span', { class: 'amount' }, amount), after);
}
