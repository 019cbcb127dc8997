// The planner's inputs: their ranges and defaults, the query to the server, and the parameters in the page's URL.

import type { Query } from '../../client/http.ts';

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

export type ArrivalPattern = 'random' | 'regular';

export interface Question {
  readonly values: Readonly<Record<Field, number>>;
  readonly spacing: ArrivalPattern;
  /** The name of another server, as `GET /plan` lists it; empty for our own. */
  readonly stack: string;
}

interface FieldRange {
  /** Within the measured range. */
  readonly initial: number;
  readonly least: number;
  readonly most: number;
}

export const FIELDS: Readonly<Record<Field, FieldRange>> = {
  clients: { initial: 2_000, least: 1, most: 1e10 },
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

const NAMES = Object.keys(FIELDS) as Field[];

/** The number in an input; null if it is invalid or out of range. */
export function valueOf(field: Field, text: string): number | null {
  const { least, most } = FIELDS[field];
  const value = text.trim() === '' ? Number.NaN : Number(text);
  return value >= least && value <= most ? value : null;
}

/** The query of `GET /plan`. */
export function queryOf({ values, spacing, stack }: Question): Query {
  return {
    clients: Math.round(values.clients),
    rate: values.rate,
    size: values.size,
    max_delay: values.max_delay,
    spacing,
    round_trip: values.round_trip / 1_000,
    server_cores: values.server_cores,
    server_memory_gib: values.server_memory,
    server_network_gbit: values.server_network,
    utilization: values.utilization / 100,
    curves: 'max_delay,rate,clients',
    ...(stack === '' ? {} : { stack }),
  };
}

/** Prefix of the planner's parameters in the page's URL. */
export const URL_PREFIX = 'plan-';

const parameterOf = (field: Field) => URL_PREFIX + field.replaceAll('_', '-');

/** The question in the page's URL. Missing and invalid fields have their initial values. */
export function questionFrom(search: string): Question {
  const given = new URLSearchParams(search);
  const values = NAMES.map((field) => {
    const text = given.get(parameterOf(field));
    return [field, (text === null ? null : valueOf(field, text)) ?? FIELDS[field].initial] as const;
  });
  return {
    values: Object.fromEntries(values) as Record<Field, number>,
    spacing: given.get(`${URL_PREFIX}spacing`) === 'regular' ? 'regular' : 'random',
    stack: given.get(`${URL_PREFIX}stack`) ?? '',
  };
}

/** The URL `page` with the question; it omits initial values. */
export function withQuestion(page: string, { values, spacing, stack }: Question): string {
  const address = new URL(page);
  for (const field of NAMES) {
    if (values[field] === FIELDS[field].initial) address.searchParams.delete(parameterOf(field));
    else address.searchParams.set(parameterOf(field), String(values[field]));
  }
  if (spacing === 'random') address.searchParams.delete(`${URL_PREFIX}spacing`);
  else address.searchParams.set(`${URL_PREFIX}spacing`, spacing);
  if (stack === '') address.searchParams.delete(`${URL_PREFIX}stack`);
  else address.searchParams.set(`${URL_PREFIX}stack`, stack);
  return address.href;
}
