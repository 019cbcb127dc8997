// The cost of reading: the server's figures, exactly, and the delays this page measured.
//
// A lane alone has a column for each transport it has used; beside another lane it has one, for the transport in use.

import type { DelayFigures } from '../delays.ts';
import { count, milliseconds, timeOfDay } from '../format.ts';
import type { Bill } from '../account.ts';
import type { Lane } from '../lane.ts';
import type { Cost } from '../ledger.ts';
import { strings } from '../strings/index.ts';
import { TRANSPORTS, type Transport } from '../transport.ts';
import { h, setText } from './dom.ts';
import { line } from './line.ts';

type Row = keyof typeof strings.costRows;

const ROWS: Record<Row, (cost: Cost, delays: DelayFigures | null) => string> = {
  requests: ({ requests }) => count(requests),
  empty: ({ empty }) => count(empty),
  messages: ({ messages }) => count(messages),
  connections: ({ connections }) => count(connections),
  wire_bytes: ({ wire_bytes }) => count(wire_bytes),
  bytes_per_message: ({ wire_bytes, messages }) =>
    messages === 0 ? strings.noFigure : count(Math.round(wire_bytes / messages)),
  delay_median: (_, delays) => (delays === null ? strings.noFigure : milliseconds(delays.median_ms)),
  delay_95: (_, delays) => (delays === null ? strings.noFigure : milliseconds(delays.p95_ms)),
};

export class CostView {
  readonly element: HTMLElement;
  readonly #lane: Lane;
  readonly #only_current: boolean;
  readonly #head: HTMLTableRowElement;
  readonly #body: HTMLTableSectionElement;
  readonly #summary: HTMLElement;
  readonly #client: HTMLElement;
  readonly #since: HTMLElement;
  readonly #raw: HTMLAnchorElement;
  readonly #stale: HTMLElement;
  #current: Transport;
  #columns: Transport[] = [];

  constructor(key: string, lane: Lane, first: Transport, columns: 'used' | 'current') {
    const [detailId, sourceId] = [`${key}-cost-detail`, `${key}-cost-source`];
    this.#lane = lane;
    this.#current = first;
    this.#only_current = columns === 'current';
    this.#head = h('tr');
    this.#body = h('tbody');
    this.#summary = h('span', { class: 'cost-summary' });
    this.#client = h('code');
    this.#since = h('span');
    this.#raw = h('a', { target: '_blank', rel: 'noopener' }, strings.rawFigures);
    this.#stale = h('p', { class: 'stale', hidden: true }, strings.noFigures);
    const detail = h(
      'div',
      { class: 'cost-detail', id: detailId },
      h(
        'table',
        { 'aria-describedby': sourceId },
        h('caption', {}, strings.cost),
        h('thead', {}, this.#head),
        this.#body,
      ),
      this.#stale,
      h(
        'p',
        { class: 'source', id: sourceId },
        `${strings.countedFor} `,
        this.#client,
        ' ',
        this.#since,
        ' ',
        this.#raw,
      ),
    );
    const fold = h(
      'button',
      { class: 'fold cost-fold', type: 'button', 'aria-expanded': 'false', 'aria-controls': detailId },
      h('span', { class: 'cost-fold-title' }, strings.cost),
      this.#summary,
    );
    this.element = h('div', { class: 'cost', role: 'group', 'aria-label': strings.costOf }, fold, detail);
    fold.addEventListener('click', () => {
      const open = this.element.toggleAttribute('data-open');
      fold.setAttribute('aria-expanded', String(open));
      if (open) detail.scrollIntoView({ block: 'nearest' });
    });
    this.#label(lane.client);
    this.#draw();

    lane.subscribe({
      transport: (transport) => {
        this.#current = transport;
        this.#draw();
      },
      client: (label) => {
        this.#label(label);
        this.#draw();
      },
      figures: (bill) => this.#show(bill),
    });
  }

  /** Without figures the last ones stay, and the table says that they are the last. */
  #show(bill: Bill | null): void {
    this.#stale.hidden = bill !== null;
    this.element.toggleAttribute('data-stale', bill === null);
    if (bill !== null) this.#draw();
  }

  #label(client: string): void {
    setText(this.#client, client);
    this.#raw.href = `ledger?client=${client}`;
  }

  #draw(): void {
    const { costs, delays, since } = this.#lane.bill;
    const used = this.#only_current
      ? [this.#current]
      : TRANSPORTS.filter((each) => each === this.#current || costs[each].requests > 0);
    if (used.join() !== this.#columns.join()) this.#build(used);

    for (const transport of used) {
      for (const cell of this.#body.querySelectorAll<HTMLElement>(`td[data-transport=${transport}]`)) {
        setText(cell, ROWS[cell.dataset['row'] as Row](costs[transport], delays[transport]));
      }
    }
    for (const cell of this.element.querySelectorAll<HTMLElement>('th[data-transport], td[data-transport]')) {
      const current = cell.dataset['transport'] === this.#current;
      cell.toggleAttribute('data-current', current);
      if (cell.tagName === 'TH' && current) cell.setAttribute('aria-current', 'true');
      else cell.removeAttribute('aria-current');
    }
    const { requests, wire_bytes } = costs[this.#current];
    setText(this.#summary, strings.costSummary(requests, wire_bytes));
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
      ...(Object.keys(ROWS) as Row[]).map((row) =>
        h(
          'tr',
          {},
          h(
            'th',
            {
              scope: 'row',
              'aria-description': strings.costExplained[row],
              'data-explained': strings.costExplained[row],
            },
            strings.costRows[row],
          ),
          ...columns.map((transport) => h('td', { 'data-transport': transport, 'data-row': row })),
        ),
      ),
    );
  }
}
