// Settings of the whole page in its URL: the traffic that it publishes, and the diagrams' time window. Each control
// writes its own parameter when it is used.

import type { InvalidSetting } from './url-settings.ts';
import { type Pattern, RATE } from './traffic.ts';

/** Time windows of the diagrams, in seconds; the first is the default. */
export const WINDOWS_S = [12, 30, 60, 120] as const;

/** Patterns that last. A burst is not in the URL, as it would be over. */
const LASTING_PATTERNS: readonly Pattern[] = ['chatty', 'steady'];

export interface PageSettings {
  traffic: Pattern | null;
  /** Messages per second of steady traffic. */
  rate: number;
  window_s: number;
}

export const PAGE_PARAMETERS = ['traffic', 'rate', 'window'] as const;
export type PageParameter = (typeof PAGE_PARAMETERS)[number];

/** The parameter's value in the URL; null for a default, which the URL omits. */
export function formatParameter(name: PageParameter, value: Pattern | number | null): string | null {
  if (name === 'traffic') return LASTING_PATTERNS.find((pattern) => pattern === value) ?? null;
  const initial = name === 'rate' ? RATE.initial : WINDOWS_S[0];
  return value === null || value === initial ? null : String(value);
}

export function parsePageSettings(search: string): { settings: PageSettings; invalid: InvalidSetting[] } {
  const parameters = new URLSearchParams(search);
  const invalid: InvalidSetting[] = [];
  const read = <Value>(
    name: PageParameter,
    parse: (text: string) => Value | undefined,
    range: InvalidSetting['range'],
  ) => {
    const value = parameters.get(name);
    if (value === null) return undefined;
    const parsed = value.trim() === '' ? undefined : parse(value);
    if (parsed === undefined) invalid.push({ name, value, range });
    return parsed;
  };
  const { min, max, initial } = RATE;
  const inRange = (rate: number) => (rate >= min && rate <= max ? rate : undefined);
  const settings = {
    traffic: read('traffic', (text) => LASTING_PATTERNS.find((pattern) => pattern === text), null) ?? null,
    rate: read('rate', (text) => inRange(Number(text)), { min, max, unit: 'messages-per-second' }) ?? initial,
    window_s: read('window', (text) => WINDOWS_S.find((s) => s === Number(text)), null) ?? WINDOWS_S[0],
  };
  return { settings, invalid };
}
