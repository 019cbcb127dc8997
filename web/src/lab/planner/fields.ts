// The planner's inputs: their ranges and defaults, the query to the server, and the parameters in the page's URL.

import type { Query } from '../../client/http.ts';
import type { InvalidSetting } from '../url-settings.ts';

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

/** How messages arrive; the first is the default. */
export const SPACINGS = ['random', 'regular'] as const;
export type ArrivalPattern = (typeof SPACINGS)[number];

export interface Question {
  readonly values: Readonly<Record<Field, number>>;
  readonly spacing: ArrivalPattern;
  /** The name of another server, as `GET /plan` lists it; empty for our own. */
  readonly stack: string;
}

interface FieldRange {
  /** Within the measured range, apart from the load. */
  readonly initial: number;
  readonly min: number;
  readonly max: number;
}

export const FIELDS: Readonly<Record<Field, FieldRange>> = {
  clients: { initial: 2_000, min: 1, max: 1e10 },
  rate: { initial: 0.1, min: 1e-6, max: 1e4 },
  size: { initial: 200, min: 1, max: 16_000 },
  max_delay: { initial: 2, min: 0.001, max: 86_400 },
  server_cores: { initial: 4, min: 0.1, max: 1024 },
  server_memory: { initial: 8, min: 0.25, max: 65_536 },
  server_network: { initial: 1, min: 0.001, max: 10_000 },
  utilization: { initial: 60, min: 1, max: 99 },
  round_trip: { initial: 0, min: 0, max: 60_000 },
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
export function parseField(field: Field, text: string): number | null {
  const { min, max } = FIELDS[field];
  const value = text.trim() === '' ? Number.NaN : Number(text);
  return value >= min && value <= max ? value : null;
}

/** The nearest number that the field accepts. */
export function clampToField(field: Field, value: number): number {
  const { min, max } = FIELDS[field];
  return Math.min(max, Math.max(min, value));
}

/** The query of `GET /plan`. */
export function toQuery({ values, spacing, stack }: Question): Query {
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
const URL_PREFIX = 'plan-';

const toParameterName = (field: Field) => URL_PREFIX + field.replaceAll('_', '-');
const SPACING_PARAMETER = `${URL_PREFIX}spacing`;
export const STACK_PARAMETER = `${URL_PREFIX}stack`;

export const PLAN_PARAMETERS: readonly string[] = [
  ...NAMES.map(toParameterName),
  SPACING_PARAMETER,
  STACK_PARAMETER,
];

/** The question in the page's URL. Missing and invalid fields have their initial values. */
export function parseQuestion(search: string): { question: Question; invalid: InvalidSetting[] } {
  const parameters = new URLSearchParams(search);
  const invalid: InvalidSetting[] = [];
  const read = <Value>(
    name: string,
    parse: (text: string) => Value | null,
    range: InvalidSetting['range'],
    initial: Value,
  ): Value => {
    const value = parameters.get(name);
    if (value === null) return initial;
    const parsed = parse(value);
    if (parsed === null) invalid.push({ name, value, range });
    return parsed ?? initial;
  };
  const values = NAMES.map((field) => {
    const { min, max, initial } = FIELDS[field];
    const parse = (text: string) => parseField(field, text);
    return [field, read(toParameterName(field), parse, { min, max, unit: 'none' }, initial)] as const;
  });
  const parseSpacing = (text: string) => SPACINGS.find((each) => each === text) ?? null;
  const question = {
    values: Object.fromEntries(values) as Record<Field, number>,
    spacing: read(SPACING_PARAMETER, parseSpacing, null, SPACINGS[0]),
    stack: parameters.get(STACK_PARAMETER) ?? '',
  };
  return { question, invalid };
}

/** The URL `page` with the question; it omits initial values. */
export function withQuestion(page: string, { values, spacing, stack }: Question): string {
  const address = new URL(page);
  for (const field of NAMES) {
    if (values[field] === FIELDS[field].initial) address.searchParams.delete(toParameterName(field));
    else address.searchParams.set(toParameterName(field), String(values[field]));
  }
  if (spacing === 'random') address.searchParams.delete(SPACING_PARAMETER);
  else address.searchParams.set(SPACING_PARAMETER, spacing);
  if (stack === '') address.searchParams.delete(STACK_PARAMETER);
  else address.searchParams.set(STACK_PARAMETER, stack);
  return address.href;
}
