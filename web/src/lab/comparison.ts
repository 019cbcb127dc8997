// Compares the lanes that are shown together, over the same messages.

import type { Lane } from './lane.ts';
import type { MissingReason } from './ledger.ts';
import type { Message } from '../client/message.ts';
import type { Link } from '../client/sources/source.ts';
import { SharedMessages } from './shared-messages.ts';
import type { Transport } from '../client/transport.ts';
import { type LaneName, laneName, type LaneTotals, verdict, type Verdict } from './verdict.ts';

/** How many common messages a comparison needs. */
export const NEEDED_MESSAGES = 5;
/** A message that waits for longer than this, plus the interval of a lane that polls, is late. */
const LATE_MS = 2_500;

export interface LaneFigures {
  transport: Transport;
  requests: number;
  empty: number;
  wire_bytes: number;
  /** The bytes that are not messages: heads and framing. */
  overhead_bytes: number;
  /** The median; null before the first message. */
  delay_ms: number | null;
  /** The number of messages that other lanes have seen and this one has not. */
  waiting: number;
}

export type ComparisonState =
  /** No message yet. */
  | { kind: 'opening'; lanes: { transport: Transport; interval_s: number }[] }
  | { kind: 'counting'; seen: number; needed: number }
  | { kind: 'stalled'; lane: LaneName; silent_ms: number; waiting: number }
  | { kind: 'compared'; verdict: Verdict };

/** Measures the mean size of messages as JSON. */
class PayloadMeter {
  #messages = 0;
  #bytes = 0;
  readonly #encoder = new TextEncoder();
  readonly #room: string;

  constructor(room: string) {
    this.#room = room;
  }

  add({ id, cursor, author, text, sent_at }: Message): void {
    this.#messages += 1;
    const message = { id, cursor, room: this.#room, author, text, sent_at };
    this.#bytes += this.#encoder.encode(JSON.stringify(message)).length;
  }

  /** The size of `messages` messages. Their number is the server's, which may lag behind the messages seen here. */
  of(messages: number): number {
    return this.#messages === 0 ? 0 : (this.#bytes / this.#messages) * messages;
  }

  clear(): void {
    this.#messages = this.#bytes = 0;
  }
}

/** Whether the lane's reading is counted for another tab's client. */
function isShared(link: Link): boolean {
  return link.kind === 'live' && link.fallback?.why === 'shared';
}

export class Comparison {
  readonly #lanes: readonly Lane[];
  readonly #shared: SharedMessages;
  readonly #payloads: PayloadMeter[];
  readonly #lastSeen_ms: number[];
  /** Messages over each lane's own requests, since it got its present client and transport. */
  readonly #billable: number[];
  /** Lanes whose figures do not cover the whole time since all lanes began. */
  readonly #partly = new Set<Lane>();
  readonly #begun: (Transport | null)[];
  readonly #missing = new Map<Lane, MissingReason | null>();

  /** Calls `change` when there may be something new to show. */
  constructor(lanes: readonly Lane[], change: () => void) {
    this.#lanes = lanes;
    this.#shared = new SharedMessages(lanes.length);
    this.#payloads = lanes.map(({ room }) => new PayloadMeter(room));
    this.#lastSeen_ms = lanes.map(() => -Infinity);
    this.#billable = lanes.map(() => 0);
    this.#begun = lanes.map(() => null);
    lanes.forEach((lane, at) =>
      lane.subscribe({
        transport: (transport) => {
          this.#begun[at] ??= transport;
          if (this.#begun[at] !== transport) this.#partly.add(lane);
          this.#billable[at] = 0;
          change();
        },
        client: () => {
          this.#billable[at] = 0;
          this.#shared.clear();
          this.#payloads[at]?.clear();
          change();
        },
        link: (link) => {
          if (isShared(link)) this.#partly.add(lane);
          change();
        },
        messages: (seen, transport, at_ms) => {
          for (const { message, delay } of seen) {
            this.#shared.saw(at, message.cursor, delay?.ms ?? null, at_ms);
            if (lane.transport !== null) this.#payloads[at]?.add(message);
          }
          this.#lastSeen_ms[at] = at_ms;
          if (transport === lane.transport && !isShared(lane.link))
            this.#billable[at] = (this.#billable[at] ?? 0) + seen.length;
          change();
        },
        own: (cursor, { ms }) => this.#shared.correct(at, cursor, ms),
        gap: () => {
          this.#shared.gap(at);
          change();
        },
        stopped: () => {
          this.#shared.clear();
          change();
        },
        stats: (_stats, _at_ms, why) => {
          this.#missing.set(lane, why);
          change();
        },
      }),
    );
  }

  /** Restarts all lanes from zero at the same moment, as new clients. */
  startOver(): void {
    this.#partly.clear();
    this.#lanes.forEach((lane, at) => {
      this.#begun[at] = lane.transport;
      lane.renew();
    });
  }

  /** Whether the lanes have been counted over different times. */
  get isUneven(): boolean {
    return this.#partly.size > 0;
  }

  get isUnreadable(): boolean {
    return [...this.#missing.values()].includes('unreadable');
  }

  get hasFigures(): boolean {
    return this.#lanes.every(({ stats }) => stats.since !== null);
  }

  missing(at: number): number {
    return this.#shared.missing(at);
  }

  figures(at: number): LaneFigures | null {
    const lane = this.#lanes[at];
    if (lane === undefined || lane.stats.since === null) return null;
    const { cost } = lane.stats.used;
    const payload = this.#payloads[at]?.of(cost.messages) ?? 0;
    return {
      transport: lane.transport ?? 'poll',
      requests: cost.requests,
      empty: cost.empty,
      wire_bytes: cost.wire_bytes,
      overhead_bytes: Math.max(0, Math.round(cost.wire_bytes - payload)),
      delay_ms: this.#delay_ms(at),
      waiting: this.missing(at),
    };
  }

  get standing(): ComparisonState {
    const late = this.#late();
    if (late !== null) return late;
    const seen = Math.min(this.#shared.seenByAll, ...this.#lanes.map((_, at) => this.#counted(at)));
    if (seen < NEEDED_MESSAGES) {
      const lanes = this.#lanes.map(({ transport, interval_s }) => ({
        transport: transport ?? 'poll',
        interval_s,
      }));
      const none = seen === 0 && this.#lanes.every((_, at) => this.#delay_ms(at) === null);
      return none ? { kind: 'opening', lanes } : { kind: 'counting', seen, needed: NEEDED_MESSAGES };
    }
    return { kind: 'compared', verdict: verdict(this.#lanes.map((_, at) => this.#side(at))) };
  }

  /**
   * How many of the lane's messages its figures include, as these may be a second old. Infinity if they include enough
   * or do not lag.
   */
  #counted(at: number): number {
    const messages = this.#lanes[at]?.stats.used.cost.messages ?? 0;
    const lags = messages < Math.min(this.#billable[at] ?? 0, NEEDED_MESSAGES);
    return lags ? messages : Infinity;
  }

  /** The lane that has been silent for longest although messages wait for it; null if none is late. */
  #late(): ComparisonState | null {
    const now_ms = performance.now();
    const late = this.#lanes.flatMap((lane, at) => {
      const wait_ms = this.#shared.longestWait_ms(at, now_ms);
      const silent_ms = Math.min(wait_ms ?? 0, now_ms - (this.#lastSeen_ms[at] ?? 0));
      const allowed_ms = LATE_MS + (lane.transport === 'poll' ? lane.interval_s * 1_000 : 0);
      return silent_ms > allowed_ms ? [{ at, silent_ms, waiting: this.missing(at) }] : [];
    });
    const worst = late.sort((one, other) => other.silent_ms - one.silent_ms)[0];
    if (worst === undefined) return null;
    const { at, silent_ms, waiting } = worst;
    const sides = this.#lanes.map((_, each) => this.#side(each));
    return { kind: 'stalled', lane: laneName(sides, at), silent_ms, waiting };
  }

  /** In whole milliseconds, as shown. */
  #delay_ms(at: number): number | null {
    const ms = this.#shared.median_ms(at, performance.now());
    return ms === null ? null : Math.max(0, Math.round(ms));
  }

  #side(at: number): LaneTotals {
    const lane = this.#lanes[at];
    const { cost, polls } = lane?.stats.used ?? {};
    return {
      transport: lane?.transport ?? 'poll',
      polled: (polls?.requests ?? 0) > 0,
      requests: cost?.requests ?? 0,
      messages: cost?.messages ?? 0,
      wire_bytes: cost?.wire_bytes ?? 0,
      delay_ms: this.#delay_ms(at),
    };
  }
}
