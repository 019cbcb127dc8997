// The planner's inputs: what each takes, and what it begins with.

import type { Spacing } from './flow.ts';
import type { Question } from './question.ts';

export type Field =
  | 'clients'
  | 'rate'
  | 'size'
  | 'max_delay'
  | 'server_cores'
  | 'server_memory'
  | 'server_network'
  | 'utilization'
  | 'round_trip';

interface Rule {
  readonly initial: number;
  readonly least: number;
  readonly most: number;
}

export const FIELDS: Readonly<Record<Field, Rule>> = {
  clients: { initial: 10_000, least: 1, most: 1e10 },
  rate: { initial: 0.1, least: 1e-6, most: 1e4 },
  size: { initial: 200, least: 1, most: 16_000 },
  max_delay: { initial: 2, least: 0.001, most: 86_400 },
  server_cores: { initial: 4, least: 0.1, most: 1024 },
  server_memory: { initial: 8, least: 0.25, most: 65_536 },
  server_network: { initial: 1, least: 0.001, most: 10_000 },
  utilization: { initial: 60, least: 1, most: 99 },
  round_trip: { initial: 0, least: 0, most: 60_000 },
};

export const QUESTION_FIELDS = ['clients', 'rate', 'size', 'max_delay'] as const satisfies readonly Field[];
export const SERVER_FIELDS = [
  'server_cores',
  'server_memory',
  'server_network',
  'utilization',
  'round_trip',
] as const satisfies readonly Field[];

const GIB = 1024 ** 3;
const GBIT = 1e9;
/** What the lab's own long-polls ask for. */
const WAIT_S = 25;

/** The number in an input, or null where it is none or out of range. */
export function valueOf(field: Field, text: string): number | null {
  const { least, most } = FIELDS[field];
  const value = text.trim() === '' ? Number.NaN : Number(text);
  return value >= least && value <= most ? value : null;
}

export function questionOf(values: Readonly<Record<Field, number>>, spacing: Spacing): Question {
  return {
    clients: Math.round(values.clients),
    rate: values.rate,
    size_bytes: values.size,
    max_delay_s: values.max_delay,
    spacing,
    wait_s: WAIT_S,
    round_trip_s: values.round_trip / 1_000,
    server: {
      cores: values.server_cores,
      memory_bytes: values.server_memory * GIB,
      network_bits_per_s: values.server_network * GBIT,
      utilization: values.utilization / 100,
    },
  };
}
