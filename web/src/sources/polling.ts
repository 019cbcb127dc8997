// Polling and long-polling: one loop of requests that differs only in how long the server may wait.
//
// The next poll is due a fixed time after the start of the last one and never overlaps it.

import { type Fetch, problemDetail, route } from '../http.ts';
import type { Place } from '../ingest.ts';
import { Garbled, isRecord, parsePollAnswer } from '../message.ts';
import { pauseAfter } from '../pauses.ts';
import { parsePresence } from '../presence.ts';
import type { Link, Reader, Sink, Source } from './source.ts';

/** How much longer than the server's own wait an answer may take before it counts as lost. */
const PATIENCE_MS = 10_000;

/**
 * The wait of the first long-poll after a start or a failure. An answer is what shows that the server is there,
 * and in a quiet room a full wait would leave that open for long.
 */
const FIRST_WAIT_S = 1;

/** Long-polls that are answered empty before their time keep at least this distance, so that they never spin. */
const LEAST_DISTANCE_MS = 250;

export interface PollingOptions extends Reader {
  sink: Sink;
  /** Seconds the server may wait for a message; 0 for interval polling. */
  wait_s: number;
  /** Time from the start of one poll to the start of the next, asked anew for each. Unused by long-polls. */
  interval_ms: () => number;
  fetch?: Fetch;
}

type Answer = { ok: true; empty: boolean; more: boolean } | { ok: false; link: Link };

export class Polling implements Source {
  readonly #options: PollingOptions;
  readonly #fetch: Fetch;
  #run: AbortController | null = null;
  #endPause: () => void = () => {};
  /** Whether a pause is one between two attempts, which a wake-up ends before its time. */
  #retrying = false;

  constructor(options: PollingOptions) {
    this.#options = options;
    this.#fetch = options.fetch ?? ((...call) => fetch(...call));
  }

  start(place: () => Place): void {
    this.stop();
    this.#run = new AbortController();
    this.#options.sink.link({ kind: 'connecting' });
    void this.#loop(place, this.#run.signal);
  }

  stop(): void {
    this.#run?.abort();
    this.#run = null;
    this.#endPause();
  }

  wake(): void {
    this.#retrying = false;
    this.#endPause();
  }

  /** The interval has changed: the time of the next poll is worked out again. */
  retime(): void {
    this.#endPause();
  }

  async #loop(place: () => Place, stopped: AbortSignal): Promise<void> {
    const { sink, wait_s, interval_ms } = this.#options;
    let failures = 0;
    let confirmed = false;
    while (!stopped.aborted) {
      const started = performance.now();
      const asked_s = confirmed ? wait_s : Math.min(wait_s, FIRST_WAIT_S);
      const answer = await this.#ask(place(), asked_s, stopped);
      if (stopped.aborted) return;

      if (!answer.ok) {
        failures += 1;
        confirmed = false;
        sink.link(answer.link);
        const due = performance.now() + pauseAfter(failures);
        this.#retrying = true;
        await this.#pauseUntil(() => (this.#retrying ? due : 0), stopped);
        this.#retrying = false;
        continue;
      }
      failures = 0;
      confirmed = true;
      sink.link({ kind: 'live' });
      if (answer.more) continue;
      if (wait_s === 0) await this.#pauseUntil(() => started + interval_ms(), stopped);
      else if (answer.empty) await this.#pauseUntil(() => started + LEAST_DISTANCE_MS, stopped);
    }
  }

  async #ask(place: Place, wait_s: number, stopped: AbortSignal): Promise<Answer> {
    const { room, client, query, sink } = this.#options;
    const request = new AbortController();
    const giveUp = () => request.abort();
    const timeout = setTimeout(giveUp, wait_s * 1_000 + PATIENCE_MS);
    stopped.addEventListener('abort', giveUp);
    try {
      const wait = wait_s > 0 ? wait_s : null;
      const address = route('poll', { room, ...place, wait, client, ...query?.() });
      sink.exchange({ kind: 'asked' });
      const response = await this.#fetch(address, { cache: 'no-store', signal: request.signal });
      if (!response.ok) {
        sink.exchange({ kind: 'failed' });
        return {
          ok: false,
          link: { kind: 'reconnecting', why: 'refused', detail: await problemDetail(response) },
        };
      }
      const body: unknown = await response.json();
      const answer = parsePollAnswer(body);
      if (!stopped.aborted) {
        sink.exchange({ kind: 'answered', messages: answer.messages.length });
        sink.batch(answer);
        const presence = parsePresence(isRecord(body) ? body['presence'] : null);
        if (presence !== null) sink.presence(presence);
      }
      return { ok: true, empty: answer.messages.length === 0, more: answer.more };
    } catch (error) {
      if (!stopped.aborted) sink.exchange({ kind: 'failed' });
      const garbled = error instanceof Garbled || error instanceof SyntaxError;
      return {
        ok: false,
        link: { kind: 'reconnecting', why: garbled ? 'garbled' : 'network', detail: null },
      };
    } finally {
      clearTimeout(timeout);
      stopped.removeEventListener('abort', giveUp);
    }
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
