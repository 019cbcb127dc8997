// What the figures of several lanes say about each other, as facts; a language makes a sentence of them.
//
// Everything here follows from the figures that stand in the lanes' tables, and from nothing else.

import type { Transport } from '../client/transport.ts';

/** One lane's figures, of the transport it uses and of what stood in for it. */
export interface LaneTotals {
  transport: Transport;
  /** Polls stood in for it. */
  polled: boolean;
  requests: number;
  messages: number;
  wire_bytes: number;
  /** Over the same messages on all sides, in whole milliseconds; null if none is known yet. */
  delay_ms: number | null;
}

/** Where a lane stands. */
export type LanePosition = 'left' | 'middle' | 'right';

/** Which of the lanes: those that use the same transport can only be told apart by where they stand. */
export interface LaneName {
  transport: Transport;
  side: LanePosition | null;
}

export type LaneRequests = LaneName & Pick<LaneTotals, 'polled' | 'requests' | 'messages'>;

/** How many bytes the dearer one's messages cost, against the other's. */
export type BytesComparison =
  | { kind: 'same' }
  /** Less than half a percent apart. */
  | { kind: 'about' }
  | { kind: 'percent'; more: number }
  | { kind: 'times'; times: number };

/** When the dearer one's messages arrived, against the other's: half of each were sooner. */
export type ArrivalComparison = { kind: 'same' } | { kind: 'later' | 'sooner'; ms: number };

export interface Verdict {
  /** The one that made most requests first; of equals, the one further left. */
  asked: LaneRequests[];
  /** The dearest and the cheapest for each message. Null until all have delivered something. */
  each: {
    dearer: LaneName;
    cheaper: LaneName;
    bytes: BytesComparison;
    arrival: ArrivalComparison | null;
  } | null;
}

/** Where each of so many lanes stands. */
export function lanePositions(lanes: number): readonly LanePosition[] {
  return lanes > 2 ? ['left', 'middle', 'right'] : ['left', 'right'];
}

/** How one of the sides is called: by its transport, and by its place if another has the same. */
export function laneName(sides: readonly Pick<LaneTotals, 'transport'>[], at: number): LaneName {
  const { transport } = sides[at] ?? { transport: 'poll' };
  const alike = sides.filter((each) => each.transport === transport).length > 1;
  return { transport, side: alike ? (lanePositions(sides.length)[at] ?? null) : null };
}

/** Of two sides or more. */
export function verdict(sides: readonly LaneTotals[]): Verdict {
  const all = sides.map((side, at) => ({ side, name: laneName(sides, at) }));
  const asked = [...all]
    .sort((one, other) => other.side.requests - one.side.requests)
    .map(({ side: { polled, requests, messages }, name }) => ({ ...name, polled, requests, messages }));
  if (sides.some(({ messages }) => messages === 0)) return { asked, each: null };
  const bytes = ({ wire_bytes, messages }: LaneTotals) => wire_bytes / messages;
  // Of those that cost the same, the later one is the dearer.
  const byCost = [...all].sort(
    ({ side: one }, { side: other }) =>
      bytes(other) - bytes(one) || (other.delay_ms ?? 0) - (one.delay_ms ?? 0),
  );
  const [dearer, cheaper] = [byCost[0], byCost.at(-1)];
  if (dearer === undefined || cheaper === undefined) return { asked, each: null };
  const each = {
    dearer: dearer.name,
    cheaper: cheaper.name,
    bytes: compareBytes(bytes(dearer.side), bytes(cheaper.side)),
    arrival: compareArrival(dearer.side.delay_ms, cheaper.side.delay_ms),
  };
  return { asked, each };
}

/** Rounded as it is said: percents below twice, tenths below ten times, whole times from there. */
function compareBytes(dearer: number, cheaper: number): BytesComparison {
  if (dearer === cheaper) return { kind: 'same' };
  const ratio = dearer / cheaper;
  const more = Math.round((ratio - 1) * 100);
  if (more === 0) return { kind: 'about' };
  if (more < 100) return { kind: 'percent', more };
  const tenths = Math.round(ratio * 10) / 10;
  return { kind: 'times', times: tenths < 10 ? tenths : Math.round(ratio) };
}

function compareArrival(dearer_ms: number | null, cheaper_ms: number | null): ArrivalComparison | null {
  if (dearer_ms === null || cheaper_ms === null) return null;
  const ms = Math.abs(dearer_ms - cheaper_ms);
  if (ms === 0) return { kind: 'same' };
  return { kind: dearer_ms > cheaper_ms ? 'later' : 'sooner', ms };
}
