// The error of a request for figures that the server refused, for example because of a limit.

import { readRetryAfter } from '../client/http.ts';

export class RefusedError extends Error {
  /** How long the server asks to wait; 0 if it does not say. */
  readonly retryAfter_ms: number;

  constructor(response: Response) {
    super(`refused with ${response.status}`);
    this.retryAfter_ms = readRetryAfter(response);
  }
}

/** How long to wait after `error`, if the server asked for it. */
export function getRetryAfter(error: unknown): number {
  return error instanceof RefusedError ? error.retryAfter_ms : 0;
}
