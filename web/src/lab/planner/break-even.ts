// Where polling and a stream cost the same.

import { total } from './cost.ts';
import type { Model } from './model.ts';
import { type Question, interval_s } from './question.ts';
import { serve } from './servers.ts';

export type Yardstick = 'cpu' | 'wire-bytes';

/** Values within which polling costs less than a stream; null where there is no bound, as far as was looked. */
export interface Range {
  readonly from: number | null;
  readonly to: number | null;
}

export type ByYardstick = Readonly<Record<Yardstick, readonly Range[]>>;

export interface BreakEven {
  readonly max_delay_s: ByYardstick;
  readonly rate: ByYardstick;
  /** Few clients leave a server asleep, which makes a poll dearer. */
  readonly clients: ByYardstick;
}

const DELAYS_S = [0.05, 86_400] as const;
const RATES = [1e-7, 1e4] as const;
const CLIENTS = [1, 1e9] as const;
/** Steps a decade. Between two, costs cross at most once. */
const STEPS = 40;
/** Halvings of a step: as fine as the numbers are. */
const HALVINGS = 60;

export function breakEven(model: Model, question: Question): BreakEven {
  const over = (bounds: readonly [number, number], at: (value: number) => Partial<Question>): ByYardstick => {
    const by = (yardstick: Yardstick) =>
      cheaper(bounds, (value) => excess(model, { ...question, ...at(value) }, yardstick));
    return { cpu: by('cpu'), 'wire-bytes': by('wire-bytes') };
  };
  return {
    max_delay_s: over(DELAYS_S, (max_delay_s) => ({ max_delay_s })),
    rate: over(RATES, (rate) => ({ rate })),
    clients: over(CLIENTS, (clients) => ({ clients })),
  };
}

/** By how much polling costs more than a stream. */
export function excess(model: Model, question: Question, yardstick: Yardstick): number {
  const interval = interval_s(model, question);
  if (interval === null) return Infinity;
  const [poll, stream] = (['poll', 'stream'] as const).map((transport) => {
    const cost = serve(model, question, transport, interval).cost;
    return yardstick === 'cpu' ? total(cost.cpu) : cost.wire_bytes_in_per_s + cost.wire_bytes_out_per_s;
  }) as [number, number];
  return poll - stream;
}

function cheaper([least, most]: readonly [number, number], excess: (at: number) => number): Range[] {
  const steps = Math.round(Math.log10(most / least) * STEPS);
  const at = (step: number) => least * (most / least) ** (step / steps);
  const ranges: Range[] = [];
  let open: { from: number | null } | null = excess(least) < 0 ? { from: null } : null;
  for (let step = 1; step <= steps; step++) {
    const isCheaper = excess(at(step)) < 0;
    if (isCheaper === (open !== null)) continue;
    const crossing = crossingOf(at(step - 1), at(step), isCheaper, excess);
    if (open === null) {
      open = { from: crossing };
    } else {
      ranges.push({ from: open.from, to: crossing });
      open = null;
    }
  }
  if (open !== null) ranges.push({ from: open.from, to: null });
  return ranges;
}

/** Where `excess` changes its sign, at the upper end of which it is below zero or not. */
function crossingOf(
  low: number,
  high: number,
  negativeAtHigh: boolean,
  excess: (at: number) => number,
): number {
  for (let turn = 0; turn < HALVINGS; turn++) {
    const middle = Math.sqrt(low * high);
    if (excess(middle) < 0 === negativeAtHigh) high = middle;
    else low = middle;
  }
  return Math.sqrt(low * high);
}
