// Measures the traffic that a lane has seen in the last minute: messages per second, and their size.

const WINDOW_MS = 60_000;
/** The minimum time for a mean. */
const MIN_TIME_MS = 5_000;

export interface ObservedTraffic {
  rate: number;
  size_bytes: number;
}

const encoder = new TextEncoder();

export class TrafficMeter {
  #seen: { at_ms: number; bytes: number }[] = [];
  #since_ms: number;

  constructor(since_ms: number) {
    this.#since_ms = since_ms;
  }

  record(text: string, at_ms: number): void {
    this.#evict(at_ms);
    this.#seen.push({ at_ms, bytes: encoder.encode(text).length });
  }

  /** Null if there was no message, or too little time. */
  current(now_ms: number): ObservedTraffic | null {
    this.#evict(now_ms);
    const over_ms = Math.min(WINDOW_MS, now_ms - this.#since_ms);
    const messages = this.#seen.length;
    if (messages === 0 || over_ms < MIN_TIME_MS) return null;
    const bytes = this.#seen.reduce((sum, each) => sum + each.bytes, 0);
    return { rate: messages / (over_ms / 1_000), size_bytes: Math.max(1, bytes / messages) };
  }

  #evict(now_ms: number): void {
    const first = this.#seen.findIndex(({ at_ms }) => at_ms > now_ms - WINDOW_MS);
    this.#seen = first < 0 ? [] : this.#seen.slice(first);
  }
}
