// Formats durations and values on a chart's axis.

import { formatAmount } from '../../i18n/amounts.ts';
import { strings } from '../../i18n/index.ts';
import type { CurveAxis } from '../../lab/planner/plan.ts';

/** The unit is that of the rounded value, so that nothing is shown as `1,000 ms`. */
export function formatDuration(exact_s: number): string {
  const seconds = Number(exact_s.toPrecision(3));
  if (seconds >= 600) return strings.planner.minutes(formatAmount(seconds / 60));
  if (seconds < 0.001) return `${formatAmount(seconds * 1e6)} µs`;
  if (seconds < 1) return `${formatAmount(seconds * 1e3)} ms`;
  return strings.planner.seconds(formatAmount(seconds));
}

export function formatAxisValue(over: CurveAxis, value: number): string {
  return over === 'max_delay_s' ? formatDuration(value) : formatAmount(value);
}

/** Rounds to two significant digits. */
export function roundToTwoDigits(value: number): number {
  return Number(value.toPrecision(2));
}
