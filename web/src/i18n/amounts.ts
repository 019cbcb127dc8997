// Formats amounts with three significant digits and a suitable unit.

import { LOCALE } from './language.ts';

const three = new Intl.NumberFormat(LOCALE, { maximumSignificantDigits: 3 });
const short = new Intl.NumberFormat(LOCALE, { notation: 'compact', maximumSignificantDigits: 3 });
const whole = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 0 });

export function formatAmount(value: number): string {
  return Math.abs(value) >= 999.5 ? whole.format(value) : three.format(value);
}

/** In compact notation: `10M`. */
export function formatCompact(value: number): string {
  return value >= 10_000 ? short.format(value) : three.format(value);
}

const KIB = 1024;
const SIZES: readonly (readonly [number, string])[] = [
  [KIB ** 4, 'TiB'],
  [KIB ** 3, 'GiB'],
  [KIB ** 2, 'MiB'],
  [KIB, 'KiB'],
];

export function formatBytes(value: number): string {
  const [one, unit] = SIZES.find(([one]) => value >= one) ?? [1, 'B'];
  return `${formatAmount(value / one)} ${unit}`;
}

/** In whole percent. Almost none is not written as none, nor almost all as all. */
export function formatPercent(value: number): string {
  if (value > 0 && value < 0.005) return '<1 %';
  if (value >= 0.995 && value < 1) return '>99 %';
  return `${formatAmount(Math.round(value * 100))} %`;
}
