// The data of the plots: requests, wire bytes and delays of each lane for each second. Memory is fixed: the arrays are
// allocated once and shifted as time passes.

import { type Figures, NO_FIGURES } from '../ledger.ts';
import { TRANSPORTS, type Transport } from '../../client/transport.ts';

/** Length of the longest window. */
export const SECONDS = 900;
/** Figures further apart than this leave a gap. */
const GAP_MS = 5_000;
/** Delays kept for the summary: 15 minutes of 20 messages per second. */
const MAX_DELAYS = 18_000;
/** Delays of one second from which its median is computed. */
const MAX_DELAYS_PER_SECOND = 256;
/** Recently counted messages that are remembered, as other lanes see them later. */
const MAX_COUNTED = 2_000;

export const MEASURES = ['requests', 'wire_bytes', 'delay_ms'] as const;
export type PlotMeasure = (typeof MEASURES)[number];

/** One value per second; null if unknown. */
export type Series = (number | null)[];
export type LaneSeries = Record<PlotMeasure, Record<Transport, Series>>;

/** A time in which nothing was recorded, in seconds since the Unix epoch. */
export interface Pause {
  from_s: number;
  to_s: number;
}

interface LaneState {
  series: LaneSeries;
  /** How many milliseconds of each second were counted. */
  counted_ms: Series;
  last: { figures: Figures; at_ms: number } | null;
  delays: DelayRing;
  /** The delays of the current second. */
  second: { transport: Transport; s: number; delays: number[] } | null;
}

export class PlotStore {
  /** Seconds since the Unix epoch; the last is the current one. */
  readonly times: number[];
  /** Messages published in each second. */
  readonly messages: Series = createSeries();
  readonly #lanes = new Map<string, LaneState>();
  readonly #countedCursors = new Set<string>();
  #pauses: Pause[] = [];
  #pausedSince_s: number | null = null;

  constructor(now_ms: number) {
    const now_s = Math.floor(now_ms / 1_000);
    this.times = Array.from({ length: SECONDS }, (_, index) => now_s - SECONDS + 1 + index);
  }

  get pauses(): readonly Pause[] {
    const since = this.#pausedSince_s;
    return since === null ? this.#pauses : [...this.#pauses, { from_s: since, to_s: this.#present }];
  }

  get isPaused(): boolean {
    return this.#pausedSince_s !== null;
  }

  lane(key: string): LaneSeries {
    return this.#lane(key).series;
  }

  countedMs(key: string): Series {
    return this.#lane(key).counted_ms;
  }

  /** Whether a lane has read with a transport since `from_s`. */
  hasRead(key: string, transport: Transport, from_s: number): boolean {
    const { series } = this.#lane(key);
    const first = this.#first(from_s);
    return MEASURES.some((measure) =>
      series[measure][transport].some((value, index) => index >= first && value !== null),
    );
  }

  /** Shifts all series to the present. */
  advance(now_ms: number): void {
    const by = Math.min(Math.floor(now_ms / 1_000) - this.#present, SECONDS);
    if (by <= 0) return;
    const present = Math.floor(now_ms / 1_000);
    for (let index = 0; index < SECONDS; index++) this.times[index] = present - SECONDS + 1 + index;
    shift(this.messages, by);
    for (const { series, counted_ms } of this.#lanes.values()) {
      shift(counted_ms, by);
      for (const measure of MEASURES)
        for (const transport of TRANSPORTS) shift(series[measure][transport], by);
    }
    const first = this.times[0] ?? present;
    this.#pauses = this.#pauses.filter(({ to_s }) => to_s >= first);
  }

  /** The server's figures of a lane; null if they are unavailable. `using` is the lane's transport. */
  recordFigures(key: string, figures: Figures | null, using: Transport, at_ms: number): void {
    const lane = this.#lane(key);
    const { last } = lane;
    lane.last = figures === null || this.isPaused ? null : { figures, at_ms };
    if (figures === null || last === null || this.isPaused) return;
    this.advance(at_ms);
    // After a gap, or a restart of the server's counts, it is unknown when the difference occurred.
    const hasRestarted = last.figures.since !== null && figures.since !== last.figures.since;
    if (at_ms - last.at_ms > GAP_MS || hasRestarted) return;
    this.#spread(lane.counted_ms, last.at_ms, at_ms, at_ms - last.at_ms);
    for (const transport of TRANSPORTS) {
      const [now, before] = [figures.costs[transport], last.figures.costs[transport]];
      for (const measure of ['requests', 'wire_bytes'] as const) {
        const more = now[measure] - before[measure];
        if (more > 0 || transport === using)
          this.#spread(lane.series[measure][transport], last.at_ms, at_ms, Math.max(0, more));
      }
    }
  }

  /** The lane begins to read as a new client, whose figures begin at zero. */
  beginClient(key: string, at_ms: number): void {
    this.#lane(key).last = this.isPaused ? null : { figures: NO_FIGURES, at_ms };
  }

  /** The lane has stopped, so the next figures do not continue the last ones. */
  split(key: string): void {
    this.#lane(key).last = null;
  }

  /** A lane saw a message `delay_ms` after it was published. */
  recordMessage(key: string, cursor: string, transport: Transport, at_ms: number, delay_ms: number): void {
    if (this.isPaused) return;
    this.advance(at_ms);
    const lane = this.#lane(key);
    lane.delays.add(at_ms, delay_ms, transport);
    const s = Math.floor(at_ms / 1_000);
    if (lane.second?.s !== s || lane.second.transport !== transport)
      lane.second = { transport, s, delays: [] };
    const { delays } = lane.second;
    if (delays.length < MAX_DELAYS_PER_SECOND) delays.push(delay_ms);
    this.#set(lane.series.delay_ms[transport], s, median(delays));
    this.#countMessage(cursor, at_ms - delay_ms);
  }

  /** Nothing is recorded until `resume`. */
  pause(now_ms: number): void {
    this.#pausedSince_s ??= now_ms / 1_000;
    for (const lane of this.#lanes.values()) lane.last = null;
  }

  resume(now_ms: number): void {
    if (this.#pausedSince_s === null) return;
    this.#pauses.push({ from_s: this.#pausedSince_s, to_s: now_ms / 1_000 });
    this.#pausedSince_s = null;
    this.advance(now_ms);
  }

  /** The totals of a lane's transport since `from_s`, and its median delay, which is null without messages. */
  summarize(
    key: string,
    transport: Transport,
    from_s: number,
  ): { requests: number; wire_bytes: number; delay_ms: number | null } {
    const { series, delays } = this.#lane(key);
    const sum = (measure: 'requests' | 'wire_bytes') => this.#sum(series[measure][transport], from_s);
    return {
      requests: Math.round(sum('requests')),
      wire_bytes: Math.round(sum('wire_bytes')),
      delay_ms: delays.median(from_s * 1_000, transport),
    };
  }

  countMessagesSince(from_s: number): number {
    return this.#sum(this.messages, from_s);
  }

  #first(from_s: number): number {
    return Math.max(0, SECONDS - 1 - Math.floor(this.#present - from_s));
  }

  #sum(series: Series, from_s: number): number {
    return series.slice(this.#first(from_s)).reduce((total: number, value) => total + (value ?? 0), 0);
  }

  get #present(): number {
    return this.times[SECONDS - 1] ?? 0;
  }

  #lane(key: string): LaneState {
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      const byTransport = () => ({
        poll: createSeries(),
        'long-poll': createSeries(),
        stream: createSeries(),
      });
      const series = { requests: byTransport(), wire_bytes: byTransport(), delay_ms: byTransport() };
      lane = { series, counted_ms: createSeries(), last: null, delays: new DelayRing(), second: null };
      this.#lanes.set(key, lane);
    }
    return lane;
  }

  /** Distributes `amount` over the seconds between two samples, in proportion to their time. */
  #spread(series: Series, from_ms: number, to_ms: number, amount: number): void {
    const whole_ms = Math.max(to_ms - from_ms, 1);
    for (let s = Math.floor(from_ms / 1_000); s * 1_000 < to_ms; s++) {
      const share_ms = Math.min(to_ms, (s + 1) * 1_000) - Math.max(from_ms, s * 1_000);
      const index = this.#index(s);
      if (index !== null) series[index] = (series[index] ?? 0) + (amount * share_ms) / whole_ms;
    }
  }

  #set(series: Series, s: number, value: number): void {
    const index = this.#index(s);
    if (index !== null) series[index] = value;
  }

  #countMessage(cursor: string, at_ms: number): void {
    if (this.#countedCursors.has(cursor)) return;
    this.#countedCursors.add(cursor);
    const [oldest] = this.#countedCursors;
    if (this.#countedCursors.size > MAX_COUNTED && oldest !== undefined) this.#countedCursors.delete(oldest);
    const index = this.#index(Math.floor(at_ms / 1_000));
    if (index !== null) this.messages[index] = (this.messages[index] ?? 0) + 1;
  }

  #index(s: number): number | null {
    const index = SECONDS - 1 - (this.#present - s);
    return index >= 0 && index < SECONDS ? index : null;
  }
}

/** A ring buffer of a lane's newest delays. */
class DelayRing {
  readonly #at_ms = new Float64Array(MAX_DELAYS);
  readonly #delay_ms = new Float32Array(MAX_DELAYS);
  readonly #by = new Uint8Array(MAX_DELAYS);
  #count = 0;

  add(at_ms: number, delay_ms: number, by: Transport): void {
    this.#by[this.#count % MAX_DELAYS] = TRANSPORTS.indexOf(by);
    this.#at_ms[this.#count % MAX_DELAYS] = at_ms;
    this.#delay_ms[this.#count % MAX_DELAYS] = delay_ms;
    this.#count += 1;
  }

  median(from_ms: number, by: Transport): number | null {
    const wanted = TRANSPORTS.indexOf(by);
    const size = Math.min(this.#count, MAX_DELAYS);
    const delays: number[] = [];
    for (let index = 0; index < size; index++) {
      if ((this.#at_ms[index] ?? 0) >= from_ms && this.#by[index] === wanted)
        delays.push(this.#delay_ms[index] ?? 0);
    }
    return delays.length === 0 ? null : median(delays);
  }
}

function createSeries(): Series {
  return new Array<number | null>(SECONDS).fill(null);
}

function shift(series: Series, by: number): void {
  // Much faster than `copyWithin` on an array with nulls.
  for (let index = 0; index < SECONDS; index++) series[index] = series[index + by] ?? null;
}

/** The lower median. `values` must not be empty. */
function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[(sorted.length - 1) >> 1] ?? 0;
}
