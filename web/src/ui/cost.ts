// The cost of reading, a column for each transport this page has used: the server's figures, exactly.

import { count, timeOfDay } from '../format.ts';
import { type Cost, type Figures, NO_FIGURES } from '../ledger.ts';
import { strings } from '../strings.ts';
import { TRANSPORTS, type Transport } from '../transport.ts';
import { h, setText } from './dom.ts';
import { line } from './line.ts';

const ROWS = ['requests', 'empty', 'messages', 'wire_bytes'] as const satisfies readonly (keyof Cost)[];

export class CostView {
  readonly element: HTMLElement;
  readonly #head: HTMLTableRowElement;
  readonly #body: HTMLTableSectionElement;
  readonly #summary: HTMLElement;
  readonly #since: HTMLElement;
  readonly #stale: HTMLElement;
  #figures: Figures = NO_FIGURES;
  #current: Transport;
  #columns: Transport[] = [];

  constructor(client: string, current: Transport) {
    this.#current = current;
    this.#head = h('tr');
    this.#body = h('tbody');
    this.#summary = h('span', { class: 'cost-summary' });
    this.#since = h('span');
    this.#stale = h('p', { class: 'stale', hidden: true }, strings.noFigures);
    const detail = h(
      'div',
      { class: 'cost-detail', id: 'cost-detail' },
      h(
        'table',
        { 'aria-describedby': 'cost-source' },
        h('caption', {}, strings.cost),
        h('thead', {}, this.#head),
        this.#body,
      ),
      this.#stale,
      h(
        'p',
        { class: 'source', id: 'cost-source' },
        `${strings.countedFor} `,
        h('code', {}, client),
        ' ',
        this.#since,
        ' ',
        h('a', { href: `ledger?client=${client}`, target: '_blank', rel: 'noopener' }, strings.rawFigures),
      ),
    );
    const fold = h(
      'button',
      { class: 'cost-fold', type: 'button', 'aria-expanded': 'false', 'aria-controls': 'cost-detail' },
      h('span', { class: 'cost-fold-title' }, strings.cost),
      this.#summary,
    );
    this.element = h('section', { class: 'cost', 'aria-label': strings.costOf }, fold, detail);
    fold.addEventListener('click', () => {
      const open = this.element.toggleAttribute('data-open');
      fold.setAttribute('aria-expanded', String(open));
    });
    this.#draw();
  }

  use(transport: Transport): void {
    this.#current = transport;
    this.#draw();
  }

  /** Without figures the last ones stay, and the table says that they are the last. */
  show(figures: Figures | null): void {
    this.#stale.hidden = figures !== null;
    this.element.toggleAttribute('data-stale', figures === null);
    if (figures === null) return;
    this.#figures = figures;
    this.#draw();
  }

  #draw(): void {
    const { costs, since } = this.#figures;
    const used = TRANSPORTS.filter((each) => each === this.#current || costs[each].requests > 0);
    if (used.join() !== this.#columns.join()) this.#build(used);

    for (const cell of this.element.querySelectorAll<HTMLElement>('[data-row]')) {
      const { transport, row } = cell.dataset as { transport: Transport; row: keyof Cost };
      setText(cell, count(costs[transport][row]));
    }
    for (const cell of this.element.querySelectorAll<HTMLElement>('th[data-transport], td[data-transport]')) {
      const current = cell.dataset['transport'] === this.#current;
      cell.toggleAttribute('data-current', current);
      if (cell.tagName === 'TH' && current) cell.setAttribute('aria-current', 'true');
      else cell.removeAttribute('aria-current');
    }
    const { requests, wire_bytes } = costs[this.#current];
    setText(this.#summary, strings.costSummary(count(requests), requests === 1, count(wire_bytes)));
    setText(this.#since, since === null ? strings.notYet : strings.countedSince(timeOfDay(since)));
  }

  #build(columns: Transport[]): void {
    this.#columns = columns;
    this.#head.replaceChildren(
      h('td'),
      ...columns.map((transport) =>
        h(
          'th',
          { scope: 'col', 'data-transport': transport },
          line(transport),
          strings.transports[transport],
        ),
      ),
    );
    this.#body.replaceChildren(
      ...ROWS.map((row) =>
        h(
          'tr',
          {},
          h('th', { scope: 'row' }, strings.costRows[row]),
          ...columns.map((transport) => h('td', { 'data-transport': transport, 'data-row': row })),
        ),
      ),
    );
  }
}
