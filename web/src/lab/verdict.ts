// Compares the figures of several lanes. `i18n` turns the verdict into a sentence.
//
// It depends only on the figures in the lanes' tables, so that readers can check it. Only a message that the server had
// to send twice counts twice there, and once here.

import type { Protocol } from './ledger.ts';
import type { Transport } from '../client/transport.ts';

/** One lane's figures: of its transport, and of the polls that replaced it. */
export interface LaneTotals {
  transport: Transport;
  /** Of its requests; undefined if unknown. */
  protocol?: Protocol | undefined;
  /** Whether polls replaced it for a while. */
  polled: boolean;
  requests: number;
  messages: number;
  wire_bytes: number;
  /** The median over the same messages for all lanes, in whole milliseconds; null if none is known yet. */
  delay_ms: number | null;
}

export type LanePosition = 'left' | 'middle' | 'right';

/** Identifies a lane in a sentence: by its protocol or its position too, if another lane has the same transport. */
export interface LaneName {
  transport: Transport;
  protocol: Protocol | null;
  side: LanePosition | null;
}

export type LaneRequests = LaneName & Pick<LaneTotals, 'polled' | 'requests' | 'messages'>;

/** The bytes per message of the most expensive lane, relative to the cheapest. */
export type BytesComparison =
  | { kind: 'same' }
  /** They differ by less than half a percent. */
  | { kind: 'about' }
  | { kind: 'percent'; more: number }
  | { kind: 'times'; times: number };

/** The median delay of the most expensive lane, relative to the cheapest. */
export type ArrivalComparison =
  | { kind: 'same' }
  /** They differ by less than a later measurement might. */
  | { kind: 'about' }
  | { kind: 'later' | 'sooner'; ms: number };

/** Delays count as about the same if they differ by less than this, or by less than this part of the larger one. */
const SAME_DELAY_MS = 20;
const SAME_DELAY_PART = 0.1;

export interface Verdict {
  /** By the number of requests, most first; equal lanes from left to right. */
  byRequests: LaneRequests[];
  /** The most expensive and the cheapest lane per message. Null until each has delivered something. */
  perMessage: {
    costlier: LaneName;
    cheaper: LaneName;
    bytes: BytesComparison;
    arrival: ArrivalComparison | null;
  } | null;
}

/** The positions of `lanes` lanes. */
export function getLanePositions(lanes: number): readonly LanePosition[] {
  return lanes > 2 ? ['left', 'middle', 'right'] : ['left', 'right'];
}

/** The name of lane `at`: its transport and, if another lane has the same transport, its protocol or its position. */
export function getLaneName(
  sides: readonly Pick<LaneTotals, 'transport' | 'protocol'>[],
  at: number,
): LaneName {
  const { transport = 'poll', protocol } = sides[at] ?? {};
  const alike = sides.filter((each) => each.transport === transport);
  if (alike.length < 2) return { transport, protocol: null, side: null };
  const protocols = new Set(alike.map((each) => each.protocol));
  if (protocol !== undefined && protocols.size === alike.length && !protocols.has(undefined))
    return { transport, protocol, side: null };
  return { transport, protocol: null, side: getLanePositions(sides.length)[at] ?? null };
}

/** Needs at least two lanes. */
export function computeVerdict(sides: readonly LaneTotals[]): Verdict {
  const all = sides.map((side, at) => ({ side, name: getLaneName(sides, at) }));
  const byRequests = [...all]
    .sort((one, other) => other.side.requests - one.side.requests)
    .map(({ side: { polled, requests, messages }, name }) => ({ ...name, polled, requests, messages }));
  if (sides.some(({ messages }) => messages === 0)) return { byRequests, perMessage: null };
  const bytes = ({ wire_bytes, messages }: LaneTotals) => wire_bytes / messages;
  // Of lanes with the same cost, the slower one counts as more expensive.
  const byCost = [...all].sort(
    ({ side: one }, { side: other }) =>
      bytes(other) - bytes(one) || (other.delay_ms ?? 0) - (one.delay_ms ?? 0),
  );
  const [costlier, cheaper] = [byCost[0], byCost.at(-1)];
  if (costlier === undefined || cheaper === undefined) return { byRequests, perMessage: null };
  const perMessage = {
    costlier: costlier.name,
    cheaper: cheaper.name,
    bytes: compareBytes(bytes(costlier.side), bytes(cheaper.side)),
    arrival: compareArrival(costlier.side.delay_ms, cheaper.side.delay_ms),
  };
  return { byRequests, perMessage };
}

/** Rounded for the sentence: percent below a factor of two, tenths below ten, whole factors above. */
function compareBytes(costlier: number, cheaper: number): BytesComparison {
  if (costlier === cheaper) return { kind: 'same' };
  const ratio = costlier / cheaper;
  const more = Math.round((ratio - 1) * 100);
  if (more === 0) return { kind: 'about' };
  if (more < 100) return { kind: 'percent', more };
  const tenths = Math.round(ratio * 10) / 10;
  return { kind: 'times', times: tenths < 10 ? tenths : Math.round(ratio) };
}

function compareArrival(costlier_ms: number | null, cheaper_ms: number | null): ArrivalComparison | null {
  if (costlier_ms === null || cheaper_ms === null) return null;
  const ms = Math.abs(costlier_ms - cheaper_ms);
  if (ms === 0) return { kind: 'same' };
  if (ms < Math.max(SAME_DELAY_MS, SAME_DELAY_PART * Math.max(costlier_ms, cheaper_ms)))
    return { kind: 'about' };
  return { kind: costlier_ms > cheaper_ms ? 'later' : 'sooner', ms };
}
