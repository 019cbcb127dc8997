// A result as plain text: the verdict and a table.

import { formatCount, formatMilliseconds } from '../../i18n/format.ts';
import { strings } from '../../i18n/index.ts';
import {
  FIGURES,
  type FigureName,
  type LaneResult,
  type Result,
  formatTable,
} from '../../lab/result/result.ts';

/** The row of the Cost table with the same figure. */
const ROWS: Record<FigureName, keyof typeof strings.costRows> = {
  requests: 'requests',
  empty: 'empty',
  messages: 'messages',
  connections: 'connections',
  connection_bytes: 'connection_bytes',
  wire_bytes: 'wire_bytes',
  bytes_per_message: 'bytes_per_message',
  delay_median_ms: 'delay_median',
  delay_95_ms: 'delay_95',
};

export function getFigureName(figure: FigureName): string {
  return strings.costRows[ROWS[figure]];
}

export function formatFigure(figure: FigureName, lane: LaneResult): string {
  const value = lane[figure];
  if (value === null) return strings.noFigure;
  return figure === 'delay_median_ms' || figure === 'delay_95_ms'
    ? formatMilliseconds(value)
    : formatCount(value);
}

/** How a lane read: its transport, network, protocol and what its requests carried. */
export function describeConditions(lane: LaneResult): string {
  const { transport, interval_s, network, protocol, cookie_kib, connection } = lane;
  const { transports, live, networks, protocols, diagram } = strings;
  return [
    interval_s === null ? transports[transport] : live.poll(interval_s),
    ...(protocol === null ? [] : [protocols[protocol]]),
    `${strings.network}: ${networks[network]}`,
    `${strings.cookie}: ${strings.cookieSize(cookie_kib)}`,
    ...(connection === 'close' ? [diagram.newConnection] : []),
  ].join(' · ');
}

export function formatResult(result: Result): string {
  const rows = FIGURES.map((figure) => [
    getFigureName(figure),
    ...result.lanes.map((lane) => formatFigure(figure, lane)),
  ]);
  return [
    result.sentence,
    ...(result.caveat === null ? [] : [strings.caveats[result.caveat]]),
    '',
    formatTable([['', ...result.lanes.map(({ name }) => name)], ...rows]),
    '',
    ...result.lanes.map((lane) => `${lane.name}: ${describeConditions(lane)}`),
    '',
    result.page,
    '',
  ].join('\n');
}
