// How sources open connections. Replace it to test them, or to put something between them and the browser.

import type { HttpVersion } from './http-version.ts';

export type Fetch = typeof globalThis.fetch;

export interface ConnectionFactory {
  readonly fetch: Fetch;
  /** Aborted while there is no network: open requests end and no new ones begin. */
  readonly down: AbortSignal;
  /** Null while there is no network. May throw. */
  open(url: string): EventSource | null;
  /** A stream that brings nothing for this long counts as stalled. */
  readonly stallTimeout_ms: number;
  /** False if a stream over these connections must not serve other tabs. */
  readonly isShareable?: boolean;
  /** What requests go over, if they go to another origin than the page's and so perhaps over another version. */
  readonly elsewhere?: HttpVersion | undefined;
}
