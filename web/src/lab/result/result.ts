// The result of a session as plain data for export: what the page's lanes have cost so far.

import type { ComparisonCaveat } from '../comparison.ts';
import type { Fault } from '../fault.ts';
import type { Lane } from '../lane.ts';
import type { Protocol } from '../ledger.ts';
import type { Transport } from '../../client/transport.ts';

export interface LaneResult {
  name: string;
  transport: Transport;
  client: string;
  /** Null for long-polling and streams. */
  interval_s: number | null;
  network: Fault;
  /** Of the newest requests; null before the first. */
  protocol: Protocol | null;
  cookie_kib: number;
  /** `close` if each poll uses a new connection. */
  connection: 'keep-alive' | 'close';
  requests: number;
  empty: number;
  messages: number;
  connections: number;
  connection_bytes: number;
  wire_bytes: number;
  /** Null before the first message. */
  bytes_per_message: number | null;
  delay_median_ms: number | null;
  delay_95_ms: number | null;
}

export interface Result {
  room: string;
  /** The URL that opens the page with its settings. */
  page: string;
  /** RFC 3339. */
  taken_at: string;
  /** The verdict in the page's language. */
  sentence: string;
  /** Why the lanes' figures do not belong together; null if they do. */
  caveat: ComparisonCaveat | null;
  lanes: LaneResult[];
}

/** In display order. */
export const FIGURES = [
  'requests',
  'empty',
  'messages',
  'connections',
  'connection_bytes',
  'wire_bytes',
  'bytes_per_message',
  'delay_median_ms',
  'delay_95_ms',
] as const satisfies readonly (keyof LaneResult)[];
export type FigureName = (typeof FIGURES)[number];

/** The cost of a lane's current transport. */
export function toLaneResult(lane: Lane, name: string): LaneResult {
  const { cost, delays } = lane.stats.chosenTransport;
  const transport = lane.transport ?? 'poll';
  const protocol = lane.stats.protocols[transport].at(-1) ?? null;
  const canClose = transport !== 'stream' && (protocol === null || protocol.startsWith('http/1.1'));
  return {
    name,
    transport,
    client: lane.client,
    interval_s: transport === 'poll' ? lane.interval_s : null,
    network: lane.network.fault,
    protocol,
    cookie_kib: lane.cookie_kib,
    connection: canClose ? lane.connection : 'keep-alive',
    requests: cost.requests,
    empty: cost.empty,
    messages: cost.messages,
    connections: cost.connections,
    connection_bytes: cost.connection_bytes,
    wire_bytes: cost.wire_bytes,
    bytes_per_message: cost.messages === 0 ? null : Math.round(cost.wire_bytes / cost.messages),
    delay_median_ms: delays === null ? null : Math.max(0, Math.round(delays.median_ms)),
    delay_95_ms: delays === null ? null : Math.max(0, Math.round(delays.p95_ms)),
  };
}

const LANE_FACTS = [
  'name',
  'transport',
  'client',
  'interval_s',
  'network',
  'protocol',
  'cookie_kib',
  'connection',
] as const;

/** RFC 4180 with a row per lane. The column names do not depend on the language. */
export function toCsv({ room, taken_at, caveat, lanes }: Result): string {
  const columns = ['taken_at', 'room', 'caveat', ...LANE_FACTS, ...FIGURES];
  const rows = lanes.map((lane) =>
    [
      taken_at,
      room,
      caveat,
      ...LANE_FACTS.map((fact) => lane[fact]),
      ...FIGURES.map((figure) => lane[figure]),
    ].map(toCsvField),
  );
  return [columns, ...rows].map((row) => `${row.join(',')}\r\n`).join('');
}

function toCsvField(value: string | number | null): string {
  const text = value === null ? '' : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Aligns the first column to the left and the others to the right. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, at) => (widths[at] = Math.max(widths[at] ?? 0, countColumns(cell))));
  return rows
    .map((row) =>
      row
        .map((cell, at) => {
          const space = ' '.repeat((widths[at] ?? 0) - countColumns(cell));
          return at === 0 ? cell + space : space + cell;
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Hangul and other wide characters take two columns in a monospaced font. */
function countColumns(text: string): number {
  let columns = 0;
  for (const character of text)
    columns += /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]/.test(
      character,
    )
      ? 2
      : 1;
  return columns;
}
