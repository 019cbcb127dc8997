// What was said in a room before a lane began to read: asked for once, without a client's label and not over a lane's
// connection, so that it is on no lane's bill.

import { uncredentialedFetch } from './uncredentialed-fetch.ts';
import type { Fetch } from '../client/connection-factory.ts';
import { route } from '../client/http.ts';
import { type Batch, parsePollAnswer } from '../client/message.ts';

const MESSAGES = 50;
const HISTORY_TIMEOUT_MS = 3_000;

/** Null if the server gives none: a lane then begins by itself and says what is wrong. */
export async function readHistory(room: string, get: Fetch = uncredentialedFetch): Promise<Batch | null> {
  try {
    const response = await get(route('poll', { room, last: MESSAGES }), {
      cache: 'no-store',
      signal: AbortSignal.timeout(HISTORY_TIMEOUT_MS),
    });
    return response.ok ? parsePollAnswer(await response.json()) : null;
  } catch {
    return null;
  }
}
