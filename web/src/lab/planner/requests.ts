// Requests plans from the server: debounced, one request at a time, and only the last response counts.

import type { Fetch } from '../../client/connection-factory.ts';
import { readProblemDetail, buildUrl } from '../../client/http.ts';
import { uncredentialedFetch } from '../uncredentialed-fetch.ts';
import { toQuery, type Question } from './fields.ts';
import { parsePlan, type Plan } from './plan.ts';

const DEBOUNCE_MS = 200;
const RESPONSE_TIMEOUT_MS = 10_000;

export interface PlanListener {
  answer(question: Question, plan: Plan): void;
  /** `detail` is the server's explanation; null without a valid response. */
  failed(detail: string | null): void;
}

export class PlanRequests {
  readonly #listener: PlanListener;
  readonly #get: Fetch;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #current = new AbortController();

  constructor(listener: PlanListener, get: Fetch = uncredentialedFetch) {
    this.#listener = listener;
    this.#get = get;
  }

  /** Replaces an earlier question. */
  request(question: Question): void {
    this.cancel();
    const request = this.#current;
    this.#timer = setTimeout(() => void this.#fetch(question, request), DEBOUNCE_MS);
  }

  cancel(): void {
    clearTimeout(this.#timer);
    this.#current.abort();
    this.#current = new AbortController();
  }

  async #fetch(question: Question, request: AbortController): Promise<void> {
    const timeout = setTimeout(() => request.abort(), RESPONSE_TIMEOUT_MS);
    try {
      const address = buildUrl('plan', toQuery(question));
      const response = await this.#get(address, { cache: 'no-store', signal: request.signal });
      const detail = response.ok ? null : await readProblemDetail(response);
      const plan = response.ok ? parsePlan(await response.json()) : null;
      if (request !== this.#current) return;
      if (plan === null) this.#listener.failed(detail);
      else this.#listener.answer(question, plan);
    } catch {
      if (request === this.#current) this.#listener.failed(null);
    } finally {
      clearTimeout(timeout);
    }
  }
}
