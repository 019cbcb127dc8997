// English: the comparison of lanes.

import { formatTimeDifference, formatCount, formatSeconds, formatTenths } from '../format.ts';
import type { ComparisonCaveat, NextPoll } from '../../lab/comparison.ts';
import type { LaneRequests, LaneName, Verdict } from '../../lab/verdict.ts';
import type { Transport } from '../../client/transport.ts';
import { lane } from './lane.ts';

const formatName = ({ transport, protocol, side }: LaneName) =>
  lane.transports[transport] +
  (protocol === null ? '' : ` over ${lane.protocols[protocol]}`) +
  (side === null ? '' : ` ${side === 'middle' ? 'in' : 'on'} the ${side}`);
const formatLane = ({ polled, ...named }: LaneRequests) =>
  formatName(named) + (polled ? ' with polling standing in' : '');
const formatRequests = (requests: number) =>
  `${formatCount(requests)} ${requests === 1 ? 'request' : 'requests'}`;
const formatMessages = (messages: number) =>
  `${formatCount(messages)} ${messages === 1 ? 'message' : 'messages'}`;

const joinList = (all: readonly string[]) =>
  all.length < 2 ? all.join('') : `${all.slice(0, -1).join(', ')} and ${all.at(-1)}`;

function describeRequests(all: readonly LaneRequests[]): string {
  const [most, ...others] = all;
  if (most === undefined || most.requests === 0) return 'Nothing has been asked yet.';
  const none = all.every(({ messages }) => messages === 0);
  const sameMessages = all.every(({ messages }) => messages === most.messages);
  if (sameMessages && all.every(({ requests }) => requests === most.requests)) {
    const each = `${joinList(all.map(formatLane))} made ${formatRequests(most.requests)} each`;
    return none
      ? `${each}, and no message has been delivered yet.`
      : `${each} to deliver ${formatMessages(most.messages)}.`;
  }
  const first = `${formatLane(most)} made ${formatRequests(most.requests)}`;
  const made = (lane: LaneRequests) =>
    `${formatLane(lane)} made ${lane.requests === 0 ? 'none' : formatCount(lane.requests)}`;
  if (none) return `${joinList([first, ...others.map(made)])}; no message has been delivered yet.`;
  if (sameMessages)
    return `${[`${first} to deliver ${formatMessages(most.messages)}`, ...others.map(made)].join('; ')}.`;
  const delivered = ({ messages: delivered }: LaneRequests) =>
    delivered === 0 ? ' and has delivered nothing yet' : ` to deliver ${formatMessages(delivered)}`;
  return `${[first + delivered(most), ...others.map((lane) => made(lane) + delivered(lane))].join('; ')}.`;
}

/** With more than two lanes, names the lane that is compared with. */
function describePerMessage(
  { costlier, cheaper, bytes, arrival }: NonNullable<Verdict['perMessage']>,
  lanes: number,
): string {
  const other = (word: string) => (lanes > 2 ? ` ${word} with ${formatName(cheaper)}` : '');
  const cost = {
    same: () => `cost the same number of bytes${other('as')}`,
    about: () => `cost about as many bytes${other('as')}`,
    percent: (more: number) => `cost ${formatCount(more)} % more bytes${other('than')}`,
    times: (times: number) => `cost ${formatTenths(times)} times as many bytes${other('as')}`,
  };
  const costs =
    bytes.kind === 'percent'
      ? cost.percent(bytes.more)
      : bytes.kind === 'times'
        ? cost.times(bytes.times)
        : cost[bytes.kind]();
  const level = bytes.kind === 'same' || bytes.kind === 'about';
  const arrives =
    arrival === null
      ? ''
      : arrival.kind === 'same' || arrival.kind === 'about'
        ? ` and arrived at ${arrival.kind === 'about' ? 'about ' : ''}the same time`
        : `${arrival.kind === 'sooner' && !level ? ', but' : ' and'} arrived ${formatTimeDifference(arrival.ms)} ${arrival.kind}`;
  return `With ${formatName(costlier)}, each message ${costs}${arrives}.`;
}

const READS = {
  poll: (interval_s: number) =>
    `Polling asks every ${interval_s === 1 ? 'second' : `${formatSeconds(interval_s)} s`} for anything new`,
  'long-poll': () => 'Long-polling asks and waits for an answer, again and again',
  stream: () => 'SSE asks once and is told',
} satisfies Record<Transport, (interval_s: number) => string>;

export const comparison = {
  opening: (lanes: { transport: Transport; interval_s: number }[]) =>
    `One chat, read ${lanes.length === 2 ? 'twice' : `${formatCount(lanes.length)} times`}: ${[
      ...new Set(lanes.map(({ transport, interval_s }) => READS[transport](interval_s))),
    ].join('; ')}.`,
  counting: (seen: number, needed: number, nextPoll: NextPoll | null) =>
    `Counting… ${formatCount(seen)} of the first ${formatCount(needed)} messages ${seen === 1 ? 'has' : 'have'} reached every lane.` +
    (nextPoll === null
      ? ''
      : ` ${formatName(nextPoll.lane)} asks again in ${formatCount(Math.ceil(nextPoll.in_ms / 1_000))} s.`),
  stalled: (lane: LaneName, silent_ms: number, waiting: number) =>
    `${formatName(lane)} has brought nothing for ${formatCount(Math.round(silent_ms / 1_000))} s; ${formatMessages(waiting)} ${waiting === 1 ? 'waits' : 'wait'}.`,
  start: 'Start a conversation',
  stop: 'Stop the conversation',
  readsAlong: (lane: string) =>
    `${lane} reads along with another tab here, and what that costs is counted for that tab’s client`,
  unreadable: 'The server’s figures cannot be read, so there is nothing to compare.',
  comparison: 'Comparison',
  verdict: (verdict: Verdict) =>
    describeRequests(verdict.byRequests) +
    (verdict.perMessage === null
      ? ''
      : ` ${describePerMessage(verdict.perMessage, verdict.byRequests.length)}`),
  oneLane: (transport: string, made: number, delivered: number, wire_bytes: number) =>
    `${transport} made ${formatRequests(made)} and took ${formatCount(wire_bytes)} bytes to deliver ${formatMessages(delivered)}.`,
  verdictFrom:
    'From the server’s figures of all lanes since they began. Delays are compared by their medians over the same messages; one that still waits counts as late as it is by now. A message that was sent twice, because a connection broke, counts once. Bytes are those of the requests and their answers; what a connection takes for itself, such as a TLS handshake, is in the Cost table as Connection bytes.',
  caveats: {
    uneven: 'The lanes have not been counted for the same time.',
    'settings-changed': 'Settings changed while counting; start over to compare.',
  } satisfies Record<ComparisonCaveat, string>,
  startOver: 'Start over',
  startOverHint: 'All lanes begin to count at nothing, at the same moment, as new clients.',
};
