// Reads the newest messages of a room once, without a client label, a cursor or a lasting connection.

import type { Fetch } from './connection-factory.ts';
import { baseUrl, route } from './http.ts';
import { type Batch, parsePollAnswer } from './message.ts';

const ANSWER_TIMEOUT_MS = 3_000;

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
  const base = url === undefined ? '' : baseUrl(url);
  try {
    const response = await fetch(route('poll', { room, last }, base), {
      cache: 'no-store',
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    });
    return response.ok ? parsePollAnswer(await response.json()) : null;
  } catch {
    return null;
  }
}
