// Figures and times as people read them.

import { LOCALE } from './strings.ts';

const whole = new Intl.NumberFormat(LOCALE);
const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'long' });

/** Exact, with thousands separated. */
export function count(value: number): string {
  return whole.format(value);
}

/** Seconds without trailing zeros: `0.25`, `2`, `30`. */
export function seconds(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/** A span as a person would say it: `12 ms`, `1.31 s`, `24.0 s`. */
export function span(ms: number): string {
  if (ms < 999.5) return `${Math.max(0, Math.round(ms))} ms`;
  return ms < 9_995 ? `${(ms / 1_000).toFixed(2)} s` : `${(ms / 1_000).toFixed(1)} s`;
}

/** Local time of day; empty for what is no time. */
export function timeOfDay(rfc3339: string): string {
  const time = Date.parse(rfc3339);
  return Number.isNaN(time) ? '' : clock.format(time);
}

export function fullTime(rfc3339: string): string {
  const time = Date.parse(rfc3339);
  return Number.isNaN(time) ? rfc3339 : full.format(time);
}
