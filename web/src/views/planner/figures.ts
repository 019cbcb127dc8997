// Times, and values on the axis of a plot, as people read them.

import { amount } from '../../i18n/amounts.ts';
import { strings } from '../../i18n/index.ts';
import type { CurveAxis } from '../../lab/planner/plan.ts';

/** A time given in seconds. */
export function time(seconds: number): string {
  if (seconds >= 600) return strings.planner.minutes(amount(seconds / 60));
  if (seconds < 0.001) return `${amount(seconds * 1e6)} µs`;
  if (seconds < 1) return `${amount(seconds * 1e3)} ms`;
  return strings.planner.seconds(amount(seconds));
}

/** A value on the axis of what a plot is over. */
export function axisValue(over: CurveAxis, value: number): string {
  return over === 'max_delay_s' ? time(value) : amount(value);
}

/** As exact as one would say it: two digits. */
export function twoDigits(value: number): number {
  return Number(value.toPrecision(2));
}
