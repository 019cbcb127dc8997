// Formats durations and values on a chart's axis.

import { amount } from '../../i18n/amounts.ts';
import { strings } from '../../i18n/index.ts';
import type { CurveAxis } from '../../lab/planner/plan.ts';

export function time(seconds: number): string {
  if (seconds >= 600) return strings.planner.minutes(amount(seconds / 60));
  if (seconds < 0.001) return `${amount(seconds * 1e6)} µs`;
  if (seconds < 1) return `${amount(seconds * 1e3)} ms`;
  return strings.planner.seconds(amount(seconds));
}

export function axisValue(over: CurveAxis, value: number): string {
  return over === 'max_delay_s' ? time(value) : amount(value);
}

/** Rounds to two significant digits. */
export function twoDigits(value: number): number {
  return Number(value.toPrecision(2));
}
