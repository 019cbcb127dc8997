// Estimates the server's clock.
//
// The server reads its clock between our request and its response: at the middle of that time, plus or minus half of it
// (as in NTP). The shortest round trip is the best sample. It loses precision as the clocks drift apart.

/** Upper bound of the drift between two ordinary clocks. */
const MAX_DRIFT = 100e-6;

/** An older sample is replaced by any new one. */
const MAX_SAMPLE_AGE_MS = 10 * 60_000;

export interface Delay {
  /** From publishing a message to seeing it. */
  ms: number;
  /** The true delay is within this of `ms`; 0 if one clock measured both ends. */
  uncertainty_ms: number;
}

interface Sample {
  /** The server's clock minus this page's. */
  offset_ms: number;
  half_ms: number;
  at_ms: number;
}

export class ServerClock {
  #best: Sample | null = null;

  /** All times in milliseconds; `server_ms` since the Unix epoch, the others by `performance.now()`. */
  sample(request_ms: number, response_ms: number, server_ms: number): void {
    const half_ms = (response_ms - request_ms) / 2;
    if (!Number.isFinite(server_ms) || half_ms < 0) return;
    const sample = { offset_ms: server_ms - (request_ms + half_ms), half_ms, at_ms: response_ms };
    if (this.#best === null || half_ms <= computeUncertainty(this.#best, response_ms)) this.#best = sample;
    else if (response_ms - this.#best.at_ms > MAX_SAMPLE_AGE_MS) this.#best = sample;
  }

  /** Converts a server time to `performance.now()`; null before the first sample. */
  local(server_ms: number, now_ms: number): { at_ms: number; uncertainty_ms: number } | null {
    if (this.#best === null || !Number.isFinite(server_ms)) return null;
    return {
      at_ms: server_ms - this.#best.offset_ms,
      uncertainty_ms: computeUncertainty(this.#best, now_ms),
    };
  }
}

function computeUncertainty({ half_ms, at_ms }: Sample, now_ms: number): number {
  return half_ms + Math.max(0, now_ms - at_ms) * MAX_DRIFT;
}

/** RFC 3339 as milliseconds since the Unix epoch, with microseconds as a fraction; NaN if invalid. */
export function parseEpochMs(rfc3339: string): number {
  const fraction = /\.(\d{3})(\d+)/.exec(rfc3339);
  return Date.parse(rfc3339) + (fraction === null ? 0 : Number(`0.${fraction[2]}`));
}
