// Reads the newest messages of a room once, without a client label, a cursor or a lasting connection.

import type { Fetch } from './connection-factory.ts';
import { toBaseUrl, buildUrl } from './http.ts';
import { type Batch, parsePollPage } from './message.ts';

const RESPONSE_TIMEOUT_MS = 3_000;

export interface NewestOptions {
  /** Folder of the server's routes; the page's own by default. */
  url?: string | URL;
  room: string;
  /** Maximum number of messages. */
  last?: number;
  fetch?: Fetch;
}

/** Null if the request fails; a reader that starts afterwards reports the reason. `cursor` is where to continue. */
export async function readNewest(options: NewestOptions): Promise<Batch | null> {
  const { url, room, last = 50, fetch = (...call) => globalThis.fetch(...call) } = options;
  const base = url === undefined ? '' : toBaseUrl(url);
  try {
    const response = await fetch(buildUrl('poll', { room, last }, base), {
      cache: 'no-store',
      signal: AbortSignal.timeout(RESPONSE_TIMEOUT_MS),
    });
    return response.ok ? parsePollPage(await response.json()) : null;
  } catch {
    return null;
  }
}
