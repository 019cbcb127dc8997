// What the figures say, in sentences.

import { strings } from '../../i18n/index.ts';
import type { Range } from '../../lab/planner/break-even.ts';
import type { Curve } from '../../lab/planner/curves.ts';
import { amount, share } from '../../i18n/amounts.ts';
import { placeOn, time } from './figures.ts';
import type { Model } from '../../lab/planner/model.ts';
import type { Beyond, Estimate, Plan } from '../../lab/planner/plan.ts';
import type { Question } from '../../lab/planner/question.ts';

export function wordsOf(question: Question, plan: Plan): string[] {
  const reconnects = plan.transports.poll.connects_per_s > 0 ? [strings.planner.reconnects] : [];
  return [verdict(question, plan), turns(question, plan), ...reconnects];
}

export function beyondOf({ what, asked, least, most }: Beyond): string {
  const { planner } = strings;
  return planner.beyond(planner.beyondWhat[what](amount(asked)), amount(least), amount(most));
}

/** Where the figures come from. */
export function sourceOf({ machine, measured_at, version, errors }: Model): string {
  const { planner } = strings;
  return planner.source(
    machine.cpu ?? planner.someMachine,
    measured_at.slice(0, 10),
    version,
    share(errors.cpu_worst),
    share(errors.bytes_worst),
  );
}

/** A plot in words. */
export function chartOf({ over, crossings }: Curve): string {
  const { planner } = strings;
  const at = crossings.map((crossing) => placeOn(over, crossing)).join(planner.or);
  return planner.chart(planner.over[over], crossings.length === 0 ? null : at);
}

function verdict(question: Question, { transports: { poll, stream } }: Plan): string {
  const { planner, transports } = strings;
  const sse = takes(transports.stream, stream);
  if (poll.interval_s === null) return planner.noInterval(time(question.max_delay_s), sse);
  const wire = (one: Estimate) => one.wire_bytes_in_per_s + one.wire_bytes_out_per_s;
  const empty = poll.empty_per_s / poll.requests_per_s;
  return planner.verdict(
    time(poll.interval_s),
    times(poll.cores, stream.cores),
    times(wire(poll), wire(stream)),
    empty >= 0.005 ? planner.found(share(empty)) : '',
    takes(transports.poll, poll),
    sse,
  );
}

function times(first: number, second: number): string {
  const ratio = first / second;
  const { planner } = strings;
  return ratio >= 0.95 && ratio < 1.05 ? planner.alike : planner.times(amount(ratio));
}

function takes(name: string, { servers, limit, dominant }: Estimate): string {
  const { planner } = strings;
  const [why, work] = [planner.limits[limit], planner.parts[dominant]];
  if (servers === null) return planner.takesNone(name, why);
  return servers === 1 ? planner.takesOne(name, work) : planner.takesMany(name, amount(servers), why, work);
}

function turns(question: Question, { break_even }: Plan): string {
  const { planner } = strings;
  return planner.turns(
    planner.rateOf(amount(question.rate)),
    amount(question.clients),
    planner.turnsByCpu(ranges(break_even.max_delay_s.cpu, time)),
    planner.turnsByWire(ranges(break_even.max_delay_s['wire-bytes'], time)),
    time(question.max_delay_s),
    planner.turnsByRate(ranges(break_even.rate.cpu, (rate) => planner.rateOf(amount(rate)))),
  );
}

/** Null of none, and empty of all. */
function ranges(all: readonly Range[], unit: (value: number) => string): string | null {
  const { planner } = strings;
  const texts = all.map(({ from, to }) => {
    if (from !== null && to !== null) return planner.between(unit(from), unit(to));
    if (from !== null) return planner.above(unit(from));
    return to === null ? '' : planner.below(unit(to));
  });
  return texts.length === 0 ? null : texts.join(planner.or);
}
