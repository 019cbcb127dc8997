// How sources open connections. Tests and the lab's simulated network replace it.

import type { HttpVersion } from './http-version.ts';

export type Fetch = typeof globalThis.fetch;

export interface ConnectionFactory {
  readonly fetch: Fetch;
  /** Aborted while there is no network: open requests end, and new ones fail. */
  readonly offline: AbortSignal;
  /** Null while there is no network. May throw. */
  open(url: string): EventSource | null;
  /** A stream without an event for this long counts as stalled. */
  readonly stallTimeout_ms: number;
  /** False if a stream over these connections must not serve other tabs. */
  readonly isShareable?: boolean;
  /** The HTTP version of requests to another origin; undefined if they go to the page's own. */
  readonly crossOriginVersion?: HttpVersion | undefined;
}
