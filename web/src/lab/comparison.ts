// Compares the lanes that are shown together, over the same messages.

import { isLasting } from './fault.ts';
import type { Lane } from './lane.ts';
import type { MissingReason } from './ledger.ts';
import type { Message } from '../client/message.ts';
import type { Link } from '../client/sources/source.ts';
import { SharedMessages } from './shared-messages.ts';
import type { Transport } from '../client/transport.ts';
import { type LaneName, getLaneName, type LaneTotals, computeVerdict, type Verdict } from './verdict.ts';

/** How many common messages a comparison needs. */
const NEEDED_MESSAGES = 5;
/** A message that waits for longer than this, plus the interval of a lane that polls, is late. */
const LATE_MS = 2_500;
/** With a shorter interval, the next poll comes before its announcement is read. */
const LONG_INTERVAL_S = 10;

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

/** The poll that a lane's missing messages wait for. */
export interface NextPoll {
  lane: LaneName;
  in_ms: number;
}

export type ComparisonState =
  /** No message yet. */
  | { kind: 'opening'; lanes: { transport: Transport; interval_s: number }[] }
  /** `nextPoll` is that of a lane with a long interval; null if none lacks a message. */
  | { kind: 'counting'; seen: number; needed: number; nextPoll: NextPoll | null }
  | { kind: 'stalled'; lane: LaneName; silent_ms: number; waiting: number }
  | { kind: 'compared'; verdict: Verdict };

/** Why figures of a comparison do not belong together: a lane's transport has changed, or another of its settings. */
export type ComparisonCaveat = 'uneven' | 'settings-changed';

/** The settings on which a lane's figures depend, apart from its transport. */
function getSettings({ transport, interval_s, network, cookie_kib, connection }: Lane): string {
  const fault = isLasting(network.fault) ? network.fault : 'healthy';
  const interval = transport === 'poll' ? interval_s : null;
  return [interval, fault, cookie_kib, transport === 'stream' ? null : connection].join();
}

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
  estimate(messages: number): number {
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

function seed(lane: Lane, messages: Message[], transport: Transport): void {
  const newest = messages.at(-1);
  if (newest !== undefined) lane.seed({ messages, cursor: newest.cursor, reset: null }, transport);
}

export class Comparison {
  readonly #lanes: readonly Lane[];
  readonly #shared: SharedMessages;
  readonly #payloads: PayloadMeter[];
  readonly #lastSeen_ms: number[];
  readonly #lastPoll_ms: number[];
  /** Messages over each lane's own requests, since it got its present client and transport. */
  readonly #ownMessages: number[];
  /** Messages that each lane's present client has got while each transport was chosen. */
  readonly #received: Map<Transport, number>[];
  /** Lanes whose figures do not cover the whole time since all lanes began. */
  readonly #unevenLanes = new Set<Lane>();
  readonly #initialTransports: (Transport | null)[];
  /** Each lane's settings when it began to be counted; null before. */
  readonly #initialSettings: (string | null)[];
  #haveSettingsChanged = false;
  readonly #missing = new Map<Lane, MissingReason | null>();

  /** Calls `change` when there may be something new to show. */
  constructor(lanes: readonly Lane[], change: () => void) {
    this.#lanes = lanes;
    this.#shared = new SharedMessages(lanes.length);
    this.#payloads = lanes.map(({ room }) => new PayloadMeter(room));
    this.#lastSeen_ms = lanes.map(() => -Infinity);
    this.#lastPoll_ms = lanes.map(() => -Infinity);
    this.#ownMessages = lanes.map(() => 0);
    this.#received = lanes.map(() => new Map());
    this.#initialTransports = lanes.map(() => null);
    this.#initialSettings = lanes.map(() => null);
    lanes.forEach((lane, at) =>
      lane.subscribe({
        transport: (transport) => {
          // The messages so far are the former transport's.
          if (this.#initialTransports[at] !== null) this.#shared.restart();
          this.#initialTransports[at] ??= transport;
          if (this.#initialTransports[at] !== transport) this.#unevenLanes.add(lane);
          this.#ownMessages[at] = 0;
          // A changed transport is reason enough to start over.
          this.#initialSettings[at] = getSettings(lane);
          change();
        },
        client: () => {
          this.#initialSettings[at] = getSettings(lane);
          this.#ownMessages[at] = 0;
          this.#shared.restart();
          this.#payloads[at]?.clear();
          this.#received[at]?.clear();
          change();
        },
        link: (link) => {
          if (isShared(link)) this.#unevenLanes.add(lane);
          change();
        },
        exchange: ({ kind }, _transport, at_ms) => {
          if (kind === 'request') this.#lastPoll_ms[at] = at_ms;
        },
        messages: (seen, transport, at_ms) => {
          for (const { message, delay } of seen) {
            this.#shared.recordSeen(at, message, delay?.ms ?? null, at_ms);
            if (lane.transport !== null) this.#payloads[at]?.add(message);
          }
          this.#countReceived(at, seen.length);
          this.#lastSeen_ms[at] = at_ms;
          if (transport === lane.transport && !isShared(lane.link))
            this.#ownMessages[at] = (this.#ownMessages[at] ?? 0) + seen.length;
          change();
        },
        own: (cursor, { ms }) => this.#shared.correct(at, cursor, ms),
        gap: () => {
          this.#shared.recordGap(at);
          change();
        },
        stopped: () => {
          this.#shared.restart();
          change();
        },
        stats: (_stats, _at_ms, why) => {
          this.#missing.set(lane, why);
          change();
        },
      }),
    );
  }

  /**
   * Restarts all lanes from zero at the same moment, as new clients. Each lane first gets the messages that it lacks from
   * a lane that has them, as otherwise its new client would pay for deliveries that the others' do not have.
   */
  startOver(): void {
    this.#unevenLanes.clear();
    this.#haveSettingsChanged = false;
    this.#lanes.forEach((lane, at) => {
      const missing = this.#shared.getMissing(at);
      if (missing === null) this.#unevenLanes.add(lane);
      else if (lane.transport !== null) seed(lane, missing, lane.transport);
    });
    this.#lanes.forEach((lane, at) => {
      this.#initialTransports[at] = lane.transport;
      lane.resetClient();
    });
  }

  /** Why the figures do not belong together; null if they do. */
  get caveat(): ComparisonCaveat | null {
    if (this.#unevenLanes.size > 0) return 'uneven';
    // Changed back, the figures are still of both settings.
    this.#haveSettingsChanged ||= this.#lanes.some((lane, at) => {
      const initial = this.#initialSettings[at] ?? null;
      return initial !== null && lane.transport !== null && initial !== getSettings(lane);
    });
    return this.#haveSettingsChanged ? 'settings-changed' : null;
  }

  get isUnreadable(): boolean {
    return [...this.#missing.values()].includes('unreadable');
  }

  get hasFigures(): boolean {
    return this.#lanes.every(({ stats }) => stats.since !== null);
  }

  countMissing(at: number): number {
    return this.#shared.countMissing(at);
  }

  getFigures(at: number): LaneFigures | null {
    const lane = this.#lanes[at];
    if (lane === undefined || lane.stats.since === null) return null;
    const { cost } = lane.stats.chosenTransport;
    const payload = this.#payloads[at]?.estimate(this.#countMessages(at)) ?? 0;
    return {
      transport: lane.transport ?? 'poll',
      requests: cost.requests,
      empty: cost.empty,
      wire_bytes: cost.wire_bytes,
      overhead_bytes: Math.max(0, Math.round(cost.wire_bytes - payload)),
      delay_ms: this.#delay_ms(at),
      waiting: this.countMissing(at),
    };
  }

  get state(): ComparisonState {
    const stalled = this.#findStalledLane();
    if (stalled !== null) return stalled;
    const seen = Math.min(this.#shared.seenByAll, ...this.#lanes.map((_, at) => this.#countIncluded(at)));
    if (seen < NEEDED_MESSAGES) {
      const lanes = this.#lanes.map(({ transport, interval_s }) => ({
        transport: transport ?? 'poll',
        interval_s,
      }));
      const none = seen === 0 && this.#lanes.every((_, at) => this.#delay_ms(at) === null);
      return none
        ? { kind: 'opening', lanes }
        : { kind: 'counting', seen, needed: NEEDED_MESSAGES, nextPoll: this.#findNextPoll() };
    }
    return { kind: 'compared', verdict: computeVerdict(this.#lanes.map((_, at) => this.#totals(at))) };
  }

  /**
   * How many of the lane's messages its figures include, as these may be a second old. Infinity if they include enough
   * or do not lag.
   */
  #countIncluded(at: number): number {
    const messages = this.#lanes[at]?.stats.chosenTransport.cost.messages ?? 0;
    const lags = messages < Math.min(this.#ownMessages[at] ?? 0, NEEDED_MESSAGES);
    return lags ? messages : Infinity;
  }

  #countReceived(at: number, messages: number): void {
    const transport = this.#lanes[at]?.transport ?? null;
    const received = this.#received[at];
    if (transport !== null) received?.set(transport, (received.get(transport) ?? 0) + messages);
  }

  /**
   * The lane's messages in its figures. The server counts a message again if it wrote it into a connection that was
   * breaking, and then into the next one.
   */
  #countMessages(at: number): number {
    const lane = this.#lanes[at];
    if (lane === undefined) return 0;
    const received = this.#received[at]?.get(lane.transport ?? 'poll') ?? 0;
    return Math.min(lane.stats.chosenTransport.cost.messages, received);
  }

  /** The lane that has been silent for longest although messages wait for it; null if none is late. */
  #findStalledLane(): ComparisonState | null {
    const now_ms = performance.now();
    const stalled = this.#lanes.flatMap((lane, at) => {
      const wait_ms = this.#shared.longestWait_ms(at, now_ms);
      const silent_ms = Math.min(wait_ms ?? 0, now_ms - (this.#lastSeen_ms[at] ?? 0));
      const allowed_ms = LATE_MS + (lane.transport === 'poll' ? lane.interval_s * 1_000 : 0);
      return silent_ms > allowed_ms ? [{ at, silent_ms, waiting: this.countMissing(at) }] : [];
    });
    const worst = stalled.sort((one, other) => other.silent_ms - one.silent_ms)[0];
    if (worst === undefined) return null;
    const { at, silent_ms, waiting } = worst;
    const sides = this.#lanes.map((_, each) => this.#totals(each));
    return { kind: 'stalled', lane: getLaneName(sides, at), silent_ms, waiting };
  }

  /** The last of the polls that missing messages wait for. */
  #findNextPoll(): NextPoll | null {
    const now_ms = performance.now();
    const totals = this.#lanes.map((_, at) => this.#totals(at));
    const polls = this.#lanes.flatMap(({ transport, interval_s, link }, at) => {
      const in_ms = (this.#lastPoll_ms[at] ?? 0) + interval_s * 1_000 - now_ms;
      const isAwaited = transport === 'poll' && link.kind === 'live' && this.countMissing(at) > 0;
      return isAwaited && interval_s >= LONG_INTERVAL_S && in_ms > 0
        ? [{ lane: getLaneName(totals, at), in_ms }]
        : [];
    });
    return polls.sort((one, other) => other.in_ms - one.in_ms)[0] ?? null;
  }

  /** In whole milliseconds, as shown. */
  #delay_ms(at: number): number | null {
    const ms = this.#shared.median_ms(at, performance.now());
    return ms === null ? null : Math.max(0, Math.round(ms));
  }

  #totals(at: number): LaneTotals {
    const lane = this.#lanes[at];
    const { cost, polls } = lane?.stats.chosenTransport ?? {};
    return {
      transport: lane?.transport ?? 'poll',
      protocol: lane?.stats.protocols[lane.transport ?? 'poll'].at(-1),
      // A single poll without a message only asked whether the connection still works.
      polled: (polls?.requests ?? 0) > 1 || (polls?.messages ?? 0) > 0,
      requests: cost?.requests ?? 0,
      messages: this.#countMessages(at),
      wire_bytes: cost?.wire_bytes ?? 0,
      delay_ms: this.#delay_ms(at),
    };
  }
}
