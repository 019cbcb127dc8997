// The server's clock, as this page estimates it.
//
// The server read its clock at some moment between our request and its answer: at the middle of that span, plus or minus
// half of it (NTP's rule). The shortest span is the best sample. It loses precision as the clocks drift apart.

/** Two ordinary clocks drift apart by less than this. */
const DRIFT = 100e-6;

/** An older estimate is dropped. */
const KEPT_MS = 10 * 60_000;

export interface Delay {
  /** From publishing to seeing. */
  ms: number;
  /** The true delay is within this of `ms`; 0 if both ends were taken from one clock. */
  uncertainty_ms: number;
}

interface Sample {
  /** The server's clock less this page's. */
  offset_ms: number;
  half_ms: number;
  at_ms: number;
}

export class ServerClock {
  #best: Sample | null = null;

  /** All times in milliseconds; `server_ms` since the Unix epoch, the others by `performance.now()`. */
  sample(asked_ms: number, heard_ms: number, server_ms: number): void {
    const half_ms = (heard_ms - asked_ms) / 2;
    if (!Number.isFinite(server_ms) || half_ms < 0) return;
    const sample = { offset_ms: server_ms - (asked_ms + half_ms), half_ms, at_ms: heard_ms };
    if (this.#best === null || half_ms <= uncertainty(this.#best, heard_ms)) this.#best = sample;
    else if (heard_ms - this.#best.at_ms > KEPT_MS) this.#best = sample;
  }

  /** When something the server dated `server_ms` happened by `performance.now()`; null before the first sample. */
  local(server_ms: number, now_ms: number): { at_ms: number; uncertainty_ms: number } | null {
    if (this.#best === null || !Number.isFinite(server_ms)) return null;
    return { at_ms: server_ms - this.#best.offset_ms, uncertainty_ms: uncertainty(this.#best, now_ms) };
  }
}

function uncertainty({ half_ms, at_ms }: Sample, now_ms: number): number {
  return half_ms + Math.max(0, now_ms - at_ms) * DRIFT;
}

/** RFC 3339 as milliseconds since the Unix epoch, microseconds kept as a fraction; NaN if it is not a time. */
export function epochMs(rfc3339: string): number {
  const fraction = /\.(\d{3})(\d+)/.exec(rfc3339);
  return Date.parse(rfc3339) + (fraction === null ? 0 : Number(`0.${fraction[2]}`));
}
