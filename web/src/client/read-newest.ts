// The newest messages of a room, once, for a reader that is none: without a label, a place or a connection to keep.

import type { Fetch } from './connection-factory.ts';
import { baseUrl, route } from './http.ts';
import { type Batch, parsePollAnswer } from './message.ts';

const ANSWER_TIMEOUT_MS = 3_000;

export interface NewestOptions {
  /** Folder of the server's routes; the page's own if there is none. */
  url?: string | URL;
  room: string;
  /** How many, at most. */
  last?: number;
  fetch?: Fetch;
}

/** Null if the server gives none: a reader then says what is wrong. `cursor` is where to read on. */
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
