// Polling and long-polling: one loop of requests. They differ only in how long the server may wait.
//
// The next poll is due a fixed time after the start of the last one, and never overlaps it.

import type { Position } from '../ingest.ts';
import type { ConnectionFactory } from '../connection-factory.ts';
import { backoff } from '../backoff.ts';
import { fetchPage, type PollFailure } from './poll-request.ts';
import type { RequestContext, Sink, Source } from './source.ts';

/**
 * The first long-poll after a start or a failure waits only this long, so that a quiet room is soon reported as live.
 */
const FIRST_WAIT_S = 1;

/** The minimum time between long-polls, so that early empty responses do not cause a busy loop. */
const MIN_SPACING_MS = 250;

export interface PollingOptions extends RequestContext {
  sink: Sink;
  connections: ConnectionFactory;
  /** Seconds the server may wait for a message; 0 for interval polling. */
  wait_s: number;
  /** Time from the start of one poll to the start of the next. Called for each poll; unused by long-polls. */
  interval_ms: () => number;
}

export class Polling implements Source {
  readonly #options: PollingOptions;
  #run: AbortController | null = null;
  #endPause: () => void = () => {};
  /** Whether the current pause is one between two attempts, which `reconnect` ends early. */
  #isRetrying = false;
  /** Whether the next poll is due now, whatever the interval. */
  #isDueNow = false;

  constructor(options: PollingOptions) {
    this.#options = options;
  }

  start(position: () => Position): void {
    this.stop();
    this.#run = new AbortController();
    this.#options.sink.link({ kind: 'connecting' });
    void this.#loop(position, this.#run.signal);
  }

  stop(): void {
    this.#run?.abort();
    this.#run = null;
    this.#endPause();
  }

  reconnect(): void {
    this.#isRetrying = false;
    this.#endPause();
  }

  /** Applies a changed interval to the next poll. */
  reschedule(): void {
    this.#endPause();
  }

  /** Ends the pause before the next poll, as far as the server allows it. */
  pollNow(): void {
    this.#isDueNow = true;
    this.reconnect();
  }

  async #loop(position: () => Position, stopped: AbortSignal): Promise<void> {
    const { sink, connections, wait_s, interval_ms } = this.#options;
    let failures = 0;
    let isConfirmed = false;
    while (!stopped.aborted) {
      const started = performance.now();
      this.#isDueNow = false;
      const request_wait_s = isConfirmed ? wait_s : Math.min(wait_s, FIRST_WAIT_S);
      const query = {
        request: this.#options,
        connections,
        position: position(),
        wait_s: request_wait_s,
        stopped,
      };
      const result = await fetchPage(query, sink);
      if (stopped.aborted) return;

      if (!result.ok) {
        failures += 1;
        isConfirmed = false;
        sink.link(result.link);
        await this.#pauseAfter(result, failures, started, stopped);
        continue;
      }
      failures = 0;
      isConfirmed = true;
      sink.link({ kind: 'live' });
      if (result.more) continue;
      const pause_ms = wait_s === 0 ? interval_ms : () => (result.empty ? MIN_SPACING_MS : 0);
      await this.#pauseUntil(() => (this.#isDueNow ? 0 : started + pause_ms()), stopped);
    }
  }

  /** `reconnect` ends the pause, but not before the server allows another request. */
  async #pauseAfter(
    { retryAfter_ms, isLimited }: PollFailure,
    failures: number,
    started: number,
    stopped: AbortSignal,
  ): Promise<void> {
    const { wait_s, interval_ms } = this.#options;
    const now = performance.now();
    // After a 429, polls are at least the usual interval apart.
    const allowed = () =>
      Math.max(now + retryAfter_ms, isLimited && wait_s === 0 ? started + interval_ms() : now);
    const due = now + backoff(failures);
    this.#isRetrying = true;
    await this.#pauseUntil(() => Math.max(allowed(), this.#isRetrying ? due : 0), stopped);
    this.#isRetrying = false;
  }

  /** `due` may move while this waits. */
  async #pauseUntil(due: () => number, stopped: AbortSignal): Promise<void> {
    while (!stopped.aborted) {
      const left_ms = due() - performance.now();
      if (left_ms <= 0) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left_ms);
        this.#endPause = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}
