// Describes a plan in sentences: the answer, its consequences, and where the figures come from.

import { amount, share } from '../../i18n/amounts.ts';
import { strings } from '../../i18n/index.ts';
import {
  type Curve,
  crossings,
  type Estimate,
  type Extrapolation,
  type ModelOrigin,
  type Plan,
  type Range,
} from '../../lab/planner/plan.ts';
import { axisValue, twoDigits, time } from './figures.ts';

const wire = (one: Estimate) => one.wire_bytes_in_per_s + one.wire_bytes_out_per_s;

export function answerText({ question, transports: { poll, stream } }: Plan): string {
  const { planner } = strings;
  if (poll.interval_s === null) return planner.noInterval(time(question.max_delay_s));
  return planner.verdict(
    amount(question.clients),
    time(twoDigits(poll.interval_s)),
    times(poll.cores, stream.cores),
    times(wire(poll), wire(stream)),
  );
}

export function consequenceTexts({ question, transports, break_even }: Plan): string[] {
  const { planner } = strings;
  const { poll, stream } = transports;
  const empty = poll.requests_per_s === 0 ? 0 : poll.empty_per_s / poll.requests_per_s;
  const delay = (ranges: readonly Range[]) => rangeText(ranges, time);
  const rate = (ranges: readonly Range[]) => rangeText(ranges, (value) => planner.rateOf(amount(value)));
  return [
    ...(poll.interval_s !== null && empty >= 0.005 ? [planner.found(share(empty))] : []),
    `${estimateText(strings.transports.poll, poll)} ${estimateText(strings.transports.stream, stream)}`,
    planner.turnsByDelay(
      planner.rateOf(amount(question.rate)),
      delay(break_even.max_delay_s.cpu),
      delay(break_even.max_delay_s['wire-bytes']),
    ),
    planner.turnsByRate(time(question.max_delay_s), rate(break_even.rate.cpu)),
    ...(poll.connects_per_s > 0 ? [planner.reconnects] : []),
  ];
}

export function extrapolationText({ what, asked, least, most }: Extrapolation): string {
  const { planner } = strings;
  return planner.beyond(planner.beyondWhat[what](amount(asked)), amount(least), amount(most));
}

export function originText({ cpu, measured_at, version, errors, stack }: ModelOrigin): string {
  const { planner } = strings;
  if (stack !== undefined) {
    const [date, off] = [measured_at.slice(0, 10), [errors.cpu_worst, errors.bytes_worst].map(share)];
    return planner.stackSource(stack.title, stack.setup, date, off[0] ?? '', off[1] ?? '');
  }
  return planner.source(
    cpu ?? planner.someMachine,
    measured_at.slice(0, 10),
    version,
    share(errors.cpu_worst),
    share(errors.bytes_worst),
  );
}

export function chartText(plan: Plan, curve: Curve): string {
  const { planner } = strings;
  const at = crossings(plan, curve).map((crossing) => axisValue(curve.over, twoDigits(crossing)));
  return planner.chart(planner.over[curve.over], at.length === 0 ? null : at.join(planner.or));
}

function times(first: number, second: number): string {
  const ratio = first / second;
  const { planner } = strings;
  return ratio >= 0.95 && ratio < 1.05 ? planner.alike : planner.times(amount(twoDigits(ratio)));
}

function estimateText(name: string, { servers, limit, dominant }: Estimate): string {
  const { planner } = strings;
  const [why, work] = [planner.limits[limit], planner.parts[dominant]];
  if (servers === null) return planner.takesNone(name, why);
  return servers === 1 ? planner.takesOne(name, work) : planner.takesMany(name, amount(servers), why, work);
}

/** Null for no values, and empty for all values. */
function rangeText(all: readonly Range[], unit: (value: number) => string): string | null {
  const { planner } = strings;
  const say = (value: number) => unit(twoDigits(value));
  const texts = all.map(({ from, to }) => {
    if (from !== null && to !== null) return planner.between(say(from), say(to));
    if (from !== null) return planner.above(say(from));
    return to === null ? '' : planner.below(say(to));
  });
  return texts.length === 0 ? null : texts.join(planner.or);
}
