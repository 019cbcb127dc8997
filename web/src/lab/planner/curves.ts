// What the plots draw: the cores each transport keeps busy, over one of the things that were asked.

import { TRANSPORTS, type Transport } from '../../client/transport.ts';
import type { BreakEven } from './break-even.ts';
import { total } from './cost.ts';
import type { Model } from './model.ts';
import { type Question, interval_s } from './question.ts';
import { serve } from './servers.ts';

export type Over = 'max_delay_s' | 'clients' | 'rate';

export interface Curve {
  readonly over: Over;
  /** Rising, equally far apart on a logarithmic scale. */
  readonly at: readonly number[];
  /** Null where the transport cannot do it. */
  readonly cores: Readonly<Record<Transport, readonly (number | null)[]>>;
  /** What was asked. */
  readonly asked: number;
  /** Where polling and SSE cost the same. */
  readonly crossings: readonly number[];
}

const POINTS = 121;
/** What is always in the picture; it grows with what is asked. */
const USUAL: Record<Over, readonly [number, number]> = {
  max_delay_s: [0.1, 600],
  clients: [10, 1e7],
  rate: [0.001, 1_000],
};

export function curveOf(model: Model, question: Question, found: BreakEven, over: Over): Curve {
  const asked = question[over];
  const [usualLeast, usualMost] = USUAL[over];
  const least = Math.min(usualLeast, asked / 2);
  const most = Math.max(usualMost, asked * 2);
  const at = Array.from({ length: POINTS }, (_, index) => least * (most / least) ** (index / (POINTS - 1)));
  const coresOf = (transport: Transport) =>
    at.map((value) => cores(model, { ...question, [over]: value }, transport));
  const ranges = found[over].cpu;
  const bounds = ranges.flatMap(({ from, to }) => [from, to]);
  return {
    over,
    at,
    cores: Object.fromEntries(TRANSPORTS.map((transport) => [transport, coresOf(transport)])) as Record<
      Transport,
      (number | null)[]
    >,
    asked,
    crossings: bounds.filter((bound) => bound !== null && bound > least && bound < most) as number[],
  };
}

/** The cores kept busy, over all servers; null where no interval is short enough. */
export function cores(model: Model, question: Question, transport: Transport): number | null {
  const interval = interval_s(model, question);
  if (interval === null && transport === 'poll') return null;
  return total(serve(model, question, transport, interval ?? 1).cost.cpu);
}
