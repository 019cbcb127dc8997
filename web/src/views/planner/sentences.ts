// Describes a plan in sentences: the answer, its consequences, and where the figures come from.

import { formatAmount, formatPercent } from '../../i18n/amounts.ts';
import { strings } from '../../i18n/index.ts';
import {
  type Curve,
  findCrossings,
  findStep,
  type Estimate,
  type Extrapolation,
  type ModelOrigin,
  type Plan,
  type ValueRange,
} from '../../lab/planner/plan.ts';
import { formatAxisValue, roundToTwoDigits, formatDuration } from './format.ts';

const sumWireBytes = (one: Estimate) => one.wire_bytes_in_per_s + one.wire_bytes_out_per_s;

export function describeAnswer({ question, transports: { poll, stream } }: Plan): string {
  const { planner } = strings;
  if (poll.interval_s === null)
    return planner.noInterval(formatDuration(question.max_delay_s), stream.servers !== null);
  if (poll.servers === null || stream.servers === null)
    return planner.noServers(poll.servers === null, stream.servers === null);
  return planner.verdict(
    formatAmount(question.clients),
    formatDuration(poll.interval_s),
    describeRatio(poll.cores, stream.cores),
    describeRatio(sumWireBytes(poll), sumWireBytes(stream)),
  );
}

export function describeConsequences({ question, transports, break_even }: Plan): string[] {
  const { planner } = strings;
  const { poll, stream } = transports;
  const empty = poll.requests_per_s === 0 ? 0 : poll.empty_per_s / poll.requests_per_s;
  const delay = (ranges: readonly ValueRange[]) => describeRanges(ranges, formatDuration);
  const rate = (ranges: readonly ValueRange[]) =>
    describeRanges(ranges, (value) => planner.rateOf(formatAmount(value)));
  return [
    ...(poll.interval_s !== null && empty >= 0.005 ? [planner.found(formatPercent(empty))] : []),
    // Without an interval there is no estimate of polling: the answer has said why.
    [
      ...(poll.interval_s === null ? [] : [describeEstimate(strings.transports.poll, poll)]),
      describeEstimate(strings.transports.stream, stream),
    ].join(' '),
    break_even.max_delay_s.comparable
      ? planner.turnsByDelay(
          planner.rateOf(formatAmount(question.rate)),
          delay(break_even.max_delay_s.cpu),
          delay(break_even.max_delay_s['wire-bytes']),
        )
      : planner.neverBoth,
    ...(break_even.rate.comparable
      ? [planner.turnsByRate(formatDuration(question.max_delay_s), rate(break_even.rate.cpu))]
      : []),
    ...(poll.connects_per_s > 0 ? [planner.reconnects] : []),
  ];
}

export function describeExtrapolation({ what, asked, least, most }: Extrapolation): string {
  const { planner } = strings;
  if (what === 'load') return planner.lightLoad(formatPercent(asked), formatPercent(least));
  return planner.beyond(
    planner.beyondWhat[what](formatAmount(asked)),
    formatAmount(least),
    formatAmount(most),
  );
}

/** Null if the plot by delay has no step that is easy to see. */
export function describeStep(plan: Plan): string | null {
  const step_s = findStep(plan);
  return step_s === null
    ? null
    : strings.planner.step(formatDuration(step_s), formatDuration(plan.model.idle_s ?? 0));
}

export function describeOrigin({ cpu, measured_at, version, errors, stack }: ModelOrigin): string {
  const { planner } = strings;
  const date = measured_at.slice(0, 10);
  // Not in whole percent, as an error that is below 1 % is known more exactly.
  const [cpuOff, bytesOff] = [errors.cpu_worst, errors.bytes_worst].map(
    (error) => `${formatAmount(100 * error)} %`,
  ) as [string, string];
  return stack === undefined
    ? planner.source(cpu ?? planner.someMachine, date, version, cpuOff, bytesOff)
    : planner.stackSource(stack.title, stack.setup, date, cpuOff, bytesOff);
}

export function describeChart(plan: Plan, curve: Curve): string {
  const { planner } = strings;
  const at = findCrossings(plan, curve).map((crossing) =>
    formatAxisValue(curve.over, roundToTwoDigits(crossing)),
  );
  return planner.chart(planner.over[curve.over], at.length === 0 ? null : at.join(planner.or));
}

/** Null if they are about the same. */
function describeRatio(first: number, second: number): string | null {
  const ratio = first / second;
  const isSame = ratio >= 0.95 && ratio < 1.05;
  return isSame ? null : strings.planner.times(formatAmount(roundToTwoDigits(ratio)));
}

function describeEstimate(name: string, { servers, limit, dominant }: Estimate): string {
  const { planner } = strings;
  const [why, work] = [planner.limits[limit], planner.parts[dominant]];
  if (servers === null) return planner.takesNone(name, why);
  return servers === 1
    ? planner.takesOne(name, work)
    : planner.takesMany(name, formatAmount(servers), why, work);
}

/** Null for no values, and empty for all values. */
function describeRanges(all: readonly ValueRange[], unit: (value: number) => string): string | null {
  const { planner } = strings;
  const say = (value: number) => unit(roundToTwoDigits(value));
  const texts = all.map(({ from, to }) => {
    if (from !== null && to !== null) return planner.between(say(from), say(to));
    if (from !== null) return planner.above(say(from));
    return to === null ? '' : planner.below(say(to));
  });
  return texts.length === 0 ? null : texts.join(planner.or);
}
