// What two lanes' figures say about each other, as facts; a language makes a sentence of them.
//
// Everything here follows from the figures that stand in the two tables, and from nothing else.

import type { Transport } from '../client/transport.ts';

/** One lane's figures, of the transport it uses and of what stood in for it. */
export interface Side {
  transport: Transport;
  /** Polls stood in for it. */
  polled: boolean;
  requests: number;
  messages: number;
  wire_bytes: number;
  /** Over the same messages on all sides, in whole milliseconds; null if none is known yet. */
  delay_ms: number | null;
}

/** Which of the two: where both use the same transport they can only be told apart by where they stand. */
export interface Named {
  transport: Transport;
  side: 'left' | 'right' | null;
}

export type Asked = Named & Pick<Side, 'polled' | 'requests' | 'messages'>;

/** How many bytes the dearer one's messages cost, against the other's. */
export type Bytes =
  | { kind: 'same' }
  /** Less than half a percent apart. */
  | { kind: 'about' }
  | { kind: 'percent'; more: number }
  | { kind: 'times'; times: number };

/** When the dearer one's messages arrived, against the other's: half of each were sooner. */
export type Arrival = { kind: 'same' } | { kind: 'later' | 'sooner'; ms: number };

export interface Verdict {
  /** The one that made more requests first; of equals, the left one. */
  asked: [Asked, Asked];
  /** Null until both have delivered something. */
  each: { dearer: Named; cheaper: Named; bytes: Bytes; arrival: Arrival | null } | null;
}

/** How one of the sides is called: by its transport, and by its place if another has the same. */
export function named(sides: readonly Pick<Side, 'transport'>[], at: number): Named {
  const { transport } = sides[at] ?? { transport: 'poll' };
  const alike = sides.filter((each) => each.transport === transport).length > 1;
  return { transport, side: alike ? (at === 0 ? 'left' : 'right') : null };
}

export function verdict(left: Side, right: Side): Verdict {
  const name = (side: Side): Named => named([left, right], side === left ? 0 : 1);
  const asked = (side: Side): Asked => ({
    ...name(side),
    polled: side.polled,
    requests: side.requests,
    messages: side.messages,
  });
  const [more, fewer] = right.requests > left.requests ? [right, left] : [left, right];
  return { asked: [asked(more), asked(fewer)], each: each(left, right, name) };
}

function each(left: Side, right: Side, name: (side: Side) => Named): Verdict['each'] {
  if (left.messages === 0 || right.messages === 0) return null;
  const bytes = ({ wire_bytes, messages }: Side) => wire_bytes / messages;
  const bytes_differ = bytes(left) !== bytes(right);
  // Of two that cost the same, the later one.
  const dearerIsRight = bytes_differ
    ? bytes(right) > bytes(left)
    : (right.delay_ms ?? 0) > (left.delay_ms ?? 0);
  const [dearer, cheaper] = dearerIsRight ? [right, left] : [left, right];
  return {
    dearer: name(dearer),
    cheaper: name(cheaper),
    bytes: compareBytes(bytes(dearer), bytes(cheaper)),
    arrival: compareArrival(dearer.delay_ms, cheaper.delay_ms),
  };
}

/** Rounded as it is said: percents below twice, tenths below ten times, whole times from there. */
function compareBytes(dearer: number, cheaper: number): Bytes {
  if (dearer === cheaper) return { kind: 'same' };
  const ratio = dearer / cheaper;
  const more = Math.round((ratio - 1) * 100);
  if (more === 0) return { kind: 'about' };
  if (more < 100) return { kind: 'percent', more };
  const tenths = Math.round(ratio * 10) / 10;
  return { kind: 'times', times: tenths < 10 ? tenths : Math.round(ratio) };
}

function compareArrival(dearer_ms: number | null, cheaper_ms: number | null): Arrival | null {
  if (dearer_ms === null || cheaper_ms === null) return null;
  const ms = Math.abs(dearer_ms - cheaper_ms);
  if (ms === 0) return { kind: 'same' };
  return { kind: dearer_ms > cheaper_ms ? 'later' : 'sooner', ms };
}
