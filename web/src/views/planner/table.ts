// The plan as a table, with a row for each figure and a column for each transport.

import { strings } from '../../i18n/index.ts';
import { TRANSPORTS, type Transport } from '../../client/transport.ts';
import { h, setText } from '../dom.ts';
import { createTransportSwatch } from '../transport-swatch.ts';
import { formatAmount, formatBytes, formatPercent } from '../../i18n/amounts.ts';
import { formatDuration } from './format.ts';
import type { Estimate, Plan } from '../../lab/planner/plan.ts';

export const ROWS = [
  'interval',
  'requests',
  'empty',
  'wire_in',
  'wire_out',
  'cores',
  'dominant',
  'memory',
  'kernel_memory',
  'connections',
  'delay_mean',
  'delay_worst',
  'servers',
  'limit',
] as const;
export type PlanRow = (typeof ROWS)[number];

const CELLS: Record<PlanRow, (one: Estimate) => string> = {
  interval: ({ interval_s }) => (interval_s === null ? strings.noFigure : formatDuration(interval_s)),
  requests: ({ requests_per_s }) => formatAmount(requests_per_s),
  empty: ({ requests_per_s, empty_per_s }) =>
    requests_per_s === 0 ? strings.noFigure : formatPercent(empty_per_s / requests_per_s),
  wire_in: ({ wire_bytes_in_per_s }) => formatBytes(wire_bytes_in_per_s),
  wire_out: ({ wire_bytes_out_per_s }) => formatBytes(wire_bytes_out_per_s),
  cores: ({ cores }) => formatAmount(cores),
  dominant: ({ dominant, dominant_share }) =>
    `${strings.planner.parts[dominant]} ${formatPercent(dominant_share)}`,
  memory: ({ memory_bytes }) => formatBytes(memory_bytes),
  kernel_memory: ({ kernel_memory_bytes }) => formatBytes(kernel_memory_bytes),
  connections: ({ connections }) => formatAmount(connections),
  delay_mean: ({ delay_mean_s }) => formatDuration(delay_mean_s),
  delay_worst: ({ delay_worst_s }) => formatDuration(delay_worst_s),
  servers: ({ servers }) => (servers === null ? strings.planner.impossible : formatAmount(servers)),
  // One server is the minimum, which no limit decided.
  limit: ({ limit, servers }) => (servers === 1 ? strings.noFigure : strings.planner.limits[limit]),
};

export class PlanTable {
  readonly element: HTMLElement;
  readonly #cells: { cell: HTMLElement; row: PlanRow; transport: Transport }[] = [];

  constructor() {
    const { planner } = strings;
    const heads = TRANSPORTS.map((transport) =>
      h(
        'th',
        { scope: 'col', 'data-transport': transport },
        createTransportSwatch(transport),
        strings.transports[transport],
      ),
    );
    const rows = ROWS.map((row) => {
      const cells = TRANSPORTS.map((transport) => {
        const cell = h('td', { 'data-row': row, 'data-transport': transport });
        this.#cells.push({ cell, row, transport });
        return cell;
      });
      return h('tr', {}, h('th', { scope: 'row' }, planner.rows[row]), ...cells);
    });
    this.element = h(
      'div',
      { class: 'plan-table', role: 'group', tabindex: 0, 'aria-label': planner.table },
      h(
        'table',
        {},
        h('caption', {}, planner.table),
        h('thead', {}, h('tr', {}, h('td'), ...heads)),
        h('tbody', {}, ...rows),
      ),
    );
  }

  show(plan: Plan): void {
    for (const { cell, row, transport } of this.#cells) {
      const one = plan.transports[transport];
      const isNothing = transport === 'poll' && one.interval_s === null && row !== 'servers';
      setText(cell, isNothing ? strings.noFigure : CELLS[row](one));
    }
  }
}
