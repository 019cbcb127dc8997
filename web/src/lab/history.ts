// Reads the messages from before the lanes began, once, without a client label and not over a lane's connection, so
// that no lane pays for it.

import { uncredentialedFetch } from './uncredentialed-fetch.ts';
import { type Batch, type Fetch, readNewest } from '../client/index.ts';

/** Null if the request fails. A lane then starts without history and reports the problem. */
export function fetchHistory(room: string, get: Fetch = uncredentialedFetch): Promise<Batch | null> {
  return readNewest({ room, fetch: get });
}
