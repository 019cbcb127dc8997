// The table of a lane's cost: the server's exact figures, and the delays that this page measured.
//
// A single lane has a column for each transport it has used. Beside other lanes it has one column, for the current
// transport and the polls that replaced it.

import type { DelayFigures } from '../lab/delays.ts';
import { formatCount, formatMilliseconds, formatTimeOfDay } from '../i18n/format.ts';
import type { Lane } from '../lab/lane.ts';
import type { Cost, MissingReason, Protocol } from '../lab/ledger.ts';
import { strings } from '../i18n/index.ts';
import { TRANSPORTS, type Transport } from '../client/transport.ts';
import { getSharedClient, createStatsLink } from './stats-link.ts';
import { h, setText } from './dom.ts';
import { createTransportSwatch } from './transport-swatch.ts';

type CostRow = keyof typeof strings.costRows;

const ROWS: Record<CostRow, (cost: Cost, delays: DelayFigures | null, protocol?: Protocol) => string> = {
  requests: ({ requests }) => formatCount(requests),
  empty: ({ empty }) => formatCount(empty),
  messages: ({ messages }) => formatCount(messages),
  connections: ({ connections, requests }, _delays, protocol) => {
    if (connections > 0 || requests === 0) return formatCount(connections);
    const isHttp2 = protocol === 'h2' || protocol === 'h2+tls';
    return (isHttp2 ? strings.sharedConnection : strings.reusedConnection)(formatCount(0));
  },
  connection_bytes: ({ connection_bytes }) => formatCount(connection_bytes),
  wire_bytes: ({ wire_bytes }) => formatCount(wire_bytes),
  head_bytes: ({ wire_bytes, body_bytes }) => formatCount(wire_bytes - body_bytes),
  presence_bytes: ({ presence_bytes }) => formatCount(presence_bytes),
  bytes_per_message: ({ wire_bytes, messages }) =>
    messages === 0 ? strings.noFigure : formatCount(Math.round(wire_bytes / messages)),
  delay_median: (_, delays) => (delays === null ? strings.noFigure : formatMilliseconds(delays.median_ms)),
  delay_95: (_, delays) => (delays === null ? strings.noFigure : formatMilliseconds(delays.p95_ms)),
};

export class CostView {
  readonly element: HTMLElement;
  readonly #lane: Lane;
  readonly #onlyCurrent: boolean;
  readonly #head: HTMLTableRowElement;
  readonly #body: HTMLTableSectionElement;
  readonly #summary: HTMLElement;
  readonly #client: HTMLElement;
  readonly #since: HTMLElement;
  readonly #raw: HTMLAnchorElement;
  readonly #stale = h('p', { class: 'stale', hidden: true });
  /** Explains the figures if they include polls, or lack what another tab reads. */
  readonly #note = h('p', { class: 'cost-note', hidden: true });
  #sharedClient: string | null = null;
  #current: Transport;
  #columns: Transport[] = [];
  /** When this page created the client. */
  #created_ms = Date.now();

  constructor(key: string, lane: Lane, first: Transport, columns: 'used' | 'current') {
    const [detailId, sourceId] = [`${key}-cost-detail`, `${key}-cost-source`];
    this.#lane = lane;
    this.#current = first;
    this.#onlyCurrent = columns === 'current';
    this.#head = h('tr');
    this.#body = h('tbody');
    this.#summary = h('span', { class: 'cost-summary' });
    this.#client = h('code');
    this.#since = h('span');
    this.#raw = h('a', { target: '_blank', rel: 'noopener' }, strings.rawFigures);
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
      this.#note,
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
    this.#setClient(lane.client);
    this.#draw();

    lane.subscribe({
      transport: (transport) => {
        this.#current = transport;
        this.#draw();
      },
      client: (label) => {
        this.#created_ms = Date.now();
        this.#setClient(label);
        this.#draw();
      },
      link: () => {
        const client = getSharedClient(lane);
        if (client === this.#sharedClient) return;
        this.#sharedClient = client;
        this.#drawNote();
      },
      stats: (_stats, _at_ms, missing) => this.#show(missing),
    });
  }

  /** Without new figures the last ones stay, and the table explains why. */
  #show(missing: MissingReason | null): void {
    this.#stale.hidden = missing === null;
    this.element.toggleAttribute('data-stale', missing !== null);
    if (missing === null) return this.#draw();
    const { received_ms } = this.#lane.stats;
    const received =
      received_ms === null ? null : new Date(performance.timeOrigin + received_ms).toISOString();
    const of = received === null ? strings.noFiguresYet : strings.figuresOf(formatTimeOfDay(received));
    setText(this.#stale, `${strings.missing[missing]} ${of}`);
  }

  #drawNote(): void {
    const { polls } = this.#lane.stats.chosenTransport;
    const usesPolls = this.#onlyCurrent && polls.requests > 0;
    this.#note.hidden = this.#sharedClient === null && !usesPolls;
    if (this.#sharedClient !== null)
      this.#note.replaceChildren(`${strings.alongOnly} `, createStatsLink(this.#sharedClient), '.');
    else if (usesPolls)
      setText(this.#note, strings.standIn(strings.transports[this.#current], polls.requests, polls.messages));
  }

  #setClient(client: string): void {
    setText(this.#client, client);
    this.#raw.href = `ledger?client=${client}`;
  }

  #draw(): void {
    const { costs, delays, since, chosenTransport, protocols } = this.#lane.stats;
    const costOf = (transport: Transport) => (this.#onlyCurrent ? chosenTransport.cost : costs[transport]);
    const delaysOf = (transport: Transport) =>
      this.#onlyCurrent ? chosenTransport.delays : delays[transport];
    const used = this.#onlyCurrent
      ? [this.#current]
      : TRANSPORTS.filter((each) => each === this.#current || costs[each].requests > 0);
    if (used.join() !== this.#columns.join()) this.#rebuild(used);

    for (const transport of used) {
      for (const cell of this.#body.querySelectorAll<HTMLElement>(`td[data-transport=${transport}]`)) {
        const figure = ROWS[cell.dataset['row'] as CostRow];
        const protocol = protocols[transport].at(-1);
        const text = figure(costOf(transport), delaysOf(transport), protocol);
        setText(cell, since === null ? strings.noFigure : text);
      }
    }
    for (const cell of this.element.querySelectorAll<HTMLElement>('th[data-transport], td[data-transport]')) {
      const current = cell.dataset['transport'] === this.#current;
      cell.toggleAttribute('data-current', current);
      if (cell.tagName === 'TH' && current) cell.setAttribute('aria-current', 'true');
      else cell.removeAttribute('aria-current');
    }
    const { requests, wire_bytes } = costOf(this.#current);
    setText(this.#summary, since === null ? strings.noFigure : strings.costSummary(requests, wire_bytes));
    this.#drawNote();
    // The server may have begun to count before this client existed.
    const start =
      since === null
        ? ''
        : Date.parse(since) > this.#created_ms
          ? since
          : new Date(this.#created_ms).toISOString();
    setText(this.#since, since === null ? strings.notYet : strings.countedSince(formatTimeOfDay(start)));
  }

  #rebuild(columns: Transport[]): void {
    this.#columns = columns;
    this.#head.replaceChildren(
      h('td'),
      ...columns.map((transport) =>
        h(
          'th',
          { scope: 'col', 'data-transport': transport },
          createTransportSwatch(transport),
          strings.transports[transport],
        ),
      ),
    );
    this.#body.replaceChildren(
      ...(Object.keys(ROWS) as CostRow[]).map((row) =>
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
