// The response of `GET /plan`: the estimated cost of a number of clients on each transport, and curves around it.

import { isRecord, ProtocolError } from '../../client/message.ts';
import { TRANSPORTS, type Transport } from '../../client/transport.ts';

export type Part = 'process' | 'publishing' | 'requests' | 'messages' | 'keep-alives' | 'connections';
export type Limit = 'cpu' | 'memory' | 'network' | 'workers' | 'delay';
export type Dimension = 'clients-per-server' | 'rate' | 'size' | 'interval' | 'load';
export type CostMetric = 'cpu' | 'wire-bytes';
export type CurveAxis = 'max_delay_s' | 'rate' | 'clients';

export interface Estimate {
  /** The polling interval; null for other transports, and if no interval is short enough. */
  readonly interval_s: number | null;
  readonly requests_per_s: number;
  readonly empty_per_s: number;
  readonly connects_per_s: number;
  readonly connections: number;
  readonly wire_bytes_in_per_s: number;
  readonly wire_bytes_out_per_s: number;
  /** Cores kept busy, over all servers. */
  readonly cores: number;
  readonly dominant: Part;
  readonly dominant_share: number;
  readonly memory_bytes: number;
  readonly kernel_memory_bytes: number;
  readonly delay_mean_s: number;
  readonly delay_worst_s: number;
  /** Null if no number of servers is enough. */
  readonly servers: number | null;
  readonly limit: Limit;
}

/** Values between which polling costs less than SSE; null for no bound. */
export interface ValueRange {
  readonly from: number | null;
  readonly to: number | null;
}

/** Where polling costs less than SSE over one field of the question. */
export interface BreakEven extends Readonly<Record<CostMetric, readonly ValueRange[]>> {
  /** Whether both transports are possible at one of the values at least. */
  readonly comparable: boolean;
}

/** A part of the question that lies outside of the measured range. */
export interface Extrapolation {
  readonly what: Dimension;
  readonly asked: number;
  readonly least: number;
  readonly most: number;
}

export interface ModelOrigin {
  readonly version: string;
  readonly measured_at: string;
  readonly cpu: string | null;
  /** The server closes a connection that is idle for this long, so polls further apart each open a new one. */
  readonly idle_s: number | null;
  readonly errors: { readonly cpu_worst: number; readonly bytes_worst: number };
  /** The stack in the question, if it is not our own server. */
  readonly stack?: { readonly title: string; readonly setup: string };
}

/** A server for which the model can make a plan. */
export interface StackName {
  readonly name: string;
  readonly title: string;
}

export interface Curve {
  readonly over: CurveAxis;
  /** Ascending, evenly spaced on a logarithmic scale. */
  readonly at: readonly number[];
  /** Cores kept busy; null if the transport cannot meet the acceptable delay. */
  readonly cores: Readonly<Record<Transport, readonly (number | null)[]>>;
}

export interface Plan {
  readonly model: ModelOrigin;
  readonly question: Readonly<Record<CurveAxis | 'round_trip_s', number>>;
  readonly transports: Readonly<Record<Transport, Estimate>>;
  readonly break_even: Readonly<Record<CurveAxis, BreakEven>>;
  readonly beyond: readonly Extrapolation[];
  readonly curves: readonly Curve[];
  readonly stacks: readonly StackName[];
}

export function parsePlan(value: unknown): Plan {
  const isWhole =
    isRecord(value) &&
    ['model', 'question', 'break_even'].every((name) => isRecord(value[name])) &&
    Array.isArray(value['beyond']) &&
    Array.isArray(value['curves']) &&
    Array.isArray(value['stacks']) &&
    isRecord(value['transports']) &&
    TRANSPORTS.every((transport) => isRecord((value['transports'] as Record<string, unknown>)[transport]));
  if (!isWhole) throw new ProtocolError('no plan');
  return value as unknown as Plan;
}

/** The least rise of polling's CPU that is easy to see in a chart. */
const VISIBLE_RISE = 1.2;

/**
 * The acceptable delay from which on polls are so far apart that the server closes the connection before the next one.
 * Null if their CPU does not visibly rise there.
 */
export function findStep({ model, question, curves }: Plan): number | null {
  const curve = curves.find(({ over }) => over === 'max_delay_s');
  if (curve === undefined || model.idle_s === null) return null;
  const step_s = model.idle_s + question.round_trip_s / 2;
  const after = curve.at.findIndex((delay_s) => delay_s > step_s);
  const [low, high] = [curve.cores.poll[after - 1] ?? null, curve.cores.poll[after] ?? null];
  return low !== null && high !== null && high >= VISIBLE_RISE * low ? step_s : null;
}

/** The values within the curve at which polling and SSE cost the same CPU. */
export function findCrossings({ break_even }: Plan, { over, at }: Curve): number[] {
  const [least, most] = [at[0] ?? 0, at[at.length - 1] ?? 0];
  return break_even[over].cpu
    .flatMap(({ from, to }) => [from, to])
    .filter((bound): bound is number => bound !== null && bound > least && bound < most);
}
