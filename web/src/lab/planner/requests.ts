// Requests plans from the server: debounced, one request at a time, and only the last response counts. A request that
// failed is repeated, unless the server would refuse it again.

import type { Fetch } from '../../client/connection-factory.ts';
import { backoff } from '../../client/backoff.ts';
import { readProblem, buildUrl, readRetryAfter, TOO_MANY_REQUESTS, type Problem } from '../../client/http.ts';
import { uncredentialedFetch } from '../uncredentialed-fetch.ts';
import { toQuery, type Question } from './fields.ts';
import { parsePlan, type Plan } from './plan.ts';

const DEBOUNCE_MS = 200;
const RESPONSE_TIMEOUT_MS = 10_000;

export interface PlanListener {
  answer(question: Question, plan: Plan): void;
  /** `problem` is the server's explanation; null without a valid response. */
  failed(question: Question, problem: Problem | null): void;
}

interface PlanFailure {
  problem: Problem | null;
  /** How long to wait at least before the request is repeated; null if it would be refused again. */
  retryAfter_ms: number | null;
}

export class PlanRequests {
  readonly #listener: PlanListener;
  readonly #get: Fetch;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The current question; aborted when it is replaced. */
  #current = new AbortController();

  constructor(listener: PlanListener, get: Fetch = uncredentialedFetch) {
    this.#listener = listener;
    this.#get = get;
  }

  /** Replaces an earlier question. */
  request(question: Question): void {
    this.cancel();
    const current = this.#current;
    this.#timer = setTimeout(() => void this.#attempt(question, current, 1), DEBOUNCE_MS);
  }

  cancel(): void {
    clearTimeout(this.#timer);
    this.#current.abort();
    this.#current = new AbortController();
  }

  async #attempt(question: Question, current: AbortController, attempt: number): Promise<void> {
    const result = await this.#fetch(question, current.signal);
    if (current !== this.#current) return;
    if ('plan' in result) return this.#listener.answer(question, result.plan);
    this.#listener.failed(question, result.problem);
    if (result.retryAfter_ms === null) return;
    const pause_ms = Math.max(result.retryAfter_ms, backoff(attempt));
    this.#timer = setTimeout(() => void this.#attempt(question, current, attempt + 1), pause_ms);
  }

  async #fetch(question: Question, replaced: AbortSignal): Promise<{ plan: Plan } | PlanFailure> {
    const request = new AbortController();
    const abort = () => request.abort();
    replaced.addEventListener('abort', abort);
    const timeout = setTimeout(abort, RESPONSE_TIMEOUT_MS);
    try {
      const address = buildUrl('plan', toQuery(question));
      const response = await this.#get(address, { cache: 'no-store', signal: request.signal });
      if (response.ok) return { plan: parsePlan(await response.json()) };
      const mayChange = response.status >= 500 || response.status === TOO_MANY_REQUESTS;
      const retryAfter_ms = mayChange ? readRetryAfter(response) : null;
      return { problem: await readProblem(response), retryAfter_ms };
    } catch {
      return { problem: null, retryAfter_ms: 0 };
    } finally {
      clearTimeout(timeout);
      replaced.removeEventListener('abort', abort);
    }
  }
}
