// A result: what the lanes of the page have cost up to now, as plain data that can be handed over.

import type { Fault } from '../fault.ts';
import type { Lane } from '../lane.ts';
import type { Transport } from '../../client/transport.ts';

export interface LaneResult {
  name: string;
  transport: Transport;
  client: string;
  /** Null for a transport that does not poll. */
  interval_s: number | null;
  network: Fault;
  requests: number;
  empty: number;
  messages: number;
  connections: number;
  wire_bytes: number;
  /** Null until something was delivered. */
  bytes_per_message: number | null;
  delay_median_ms: number | null;
  delay_95_ms: number | null;
}

export interface Result {
  room: string;
  /** The address that opens the page as it is. */
  page: string;
  /** RFC 3339. */
  taken_at: string;
  /** What the figures say, in the page's language. */
  sentence: string;
  lanes: LaneResult[];
}

/** In the order they are always shown. */
export const FIGURES = [
  'requests',
  'empty',
  'messages',
  'connections',
  'wire_bytes',
  'bytes_per_message',
  'delay_median_ms',
  'delay_95_ms',
] as const satisfies readonly (keyof LaneResult)[];
export type FigureName = (typeof FIGURES)[number];

/** What a lane has cost by the transport that it reads with now. */
export function laneResult(lane: Lane, name: string): LaneResult {
  const { cost, delays } = lane.stats.used;
  const transport = lane.transport ?? 'poll';
  return {
    name,
    transport,
    client: lane.client,
    interval_s: transport === 'poll' ? lane.interval_s : null,
    network: lane.network.fault,
    requests: cost.requests,
    empty: cost.empty,
    messages: cost.messages,
    connections: cost.connections,
    wire_bytes: cost.wire_bytes,
    bytes_per_message: cost.messages === 0 ? null : Math.round(cost.wire_bytes / cost.messages),
    delay_median_ms: delays === null ? null : Math.max(0, Math.round(delays.median_ms)),
    delay_95_ms: delays === null ? null : Math.max(0, Math.round(delays.p95_ms)),
  };
}

const LANE_FACTS = ['name', 'transport', 'client', 'interval_s', 'network'] as const;

/** RFC 4180, a row for each lane; the names of columns do not depend on the language. */
export function csv({ room, taken_at, lanes }: Result): string {
  const columns = ['taken_at', 'room', ...LANE_FACTS, ...FIGURES];
  const rows = lanes.map((lane) =>
    [taken_at, room, ...LANE_FACTS.map((fact) => lane[fact]), ...FIGURES.map((figure) => lane[figure])].map(
      field,
    ),
  );
  return [columns, ...rows].map((row) => `${row.join(',')}\r\n`).join('');
}

function field(value: string | number | null): string {
  const text = value === null ? '' : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Columns as wide as what stands in them: the first is flush left, the others flush right. */
export function textTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, at) => (widths[at] = Math.max(widths[at] ?? 0, columnsOf(cell))));
  return rows
    .map((row) =>
      row
        .map((cell, at) => {
          const space = ' '.repeat((widths[at] ?? 0) - columnsOf(cell));
          return at === 0 ? cell + space : space + cell;
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Hangul and other wide characters take two columns of a fixed-width typeface. */
function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text)
    columns += /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]/.test(
      character,
    )
      ? 2
      : 1;
  return columns;
}
