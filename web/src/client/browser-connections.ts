// Connections opened by the browser: `fetch` and `EventSource`, which may be replaced.

import type { ConnectionFactory, Fetch } from './connection-factory.ts';

const DEFAULT_STALL_TIMEOUT_S = 45;

export interface BrowserConnectionsOptions {
  /** A stream without an event for this long counts as stalled, in seconds; 45 by default. */
  stallTimeout_s?: number;
  /** Whether to send cookies to another origin. The browser always sends them to the page's own. */
  credentials?: 'include' | 'same-origin';
  fetch?: Fetch;
  /** Needed outside browsers, which may have no EventSource. */
  eventSource?: (url: string, init: EventSourceInit) => EventSource;
}

export class BrowserConnections implements ConnectionFactory {
  readonly fetch: Fetch;
  readonly offline = new AbortController().signal;
  readonly stallTimeout_ms: number;
  readonly #withCredentials: boolean;
  readonly #eventSource: (url: string, init: EventSourceInit) => EventSource;

  constructor(options: BrowserConnectionsOptions = {}) {
    const { credentials = 'same-origin', fetch = (...call) => globalThis.fetch(...call) } = options;
    this.#withCredentials = credentials === 'include';
    this.fetch = (input, init) => fetch(input, { credentials, ...init });
    this.#eventSource = options.eventSource ?? ((url, init) => new EventSource(url, init));
    this.stallTimeout_ms = (options.stallTimeout_s ?? DEFAULT_STALL_TIMEOUT_S) * 1_000;
  }

  open(url: string): EventSource {
    return this.#eventSource(url, { withCredentials: this.#withCredentials });
  }
}
