// Formats numbers and times in the page's locale.

import { LOCALE } from './language.ts';

const whole = new Intl.NumberFormat(LOCALE);
const hundredths = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 2 });
const oneDecimal = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 1 });
const exactTenths = new Intl.NumberFormat(LOCALE, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat(LOCALE, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
const clockWithoutHour = new Intl.DateTimeFormat(LOCALE, { minute: '2-digit', second: '2-digit' });
const full = new Intl.DateTimeFormat(LOCALE, { dateStyle: 'full', timeStyle: 'long' });

/** With thousands separators. */
export function formatCount(value: number): string {
  return whole.format(value);
}

/** Seconds without trailing zeros: `0.25`, `2`, `30`. */
export function formatSeconds(value: number): string {
  return hundredths.format(value);
}

export function formatTenths(value: number): string {
  return oneDecimal.format(value);
}

/** A difference in time: `12 ms`, `0.9 s`. `unit` is the unit of seconds. */
export function formatTimeDifference(ms: number, unit = ' s'): string {
  return ms < 100 ? formatMilliseconds(ms) : `${exactTenths.format(ms / 1_000)}${unit}`;
}

/** Whole milliseconds, which are easy to compare: `12 ms`, `1,314 ms`. */
export function formatMilliseconds(ms: number): string {
  return `${formatCount(Math.max(0, Math.round(ms)))} ms`;
}

/** A delay with its uncertainty, if any: `820 ± 4 ms`. */
export function formatDelay({ ms, uncertainty_ms }: { ms: number; uncertainty_ms: number }): string {
  if (uncertainty_ms === 0) return formatMilliseconds(ms);
  return `${formatCount(Math.max(0, Math.round(ms)))} ± ${formatCount(Math.ceil(uncertainty_ms))} ms`;
}

/** Local time in whole seconds, with or without the hour. */
export function formatTickTime(ms: number, withHour: boolean): string {
  return (withHour ? clock : clockWithoutHour).format(ms);
}

/** Local time of day; empty if invalid. */
export function formatTimeOfDay(rfc3339: string): string {
  const time = Date.parse(rfc3339);
  return Number.isNaN(time) ? '' : clock.format(time);
}

export function formatFullTime(rfc3339: string): string {
  const time = Date.parse(rfc3339);
  return Number.isNaN(time) ? rfc3339 : full.format(time);
}
