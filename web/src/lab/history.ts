// What was said in a room before a lane began to read: asked for once, without a client's label and not over a lane's
// connection, so that it is on no lane's bill.

import { uncredentialedFetch } from './uncredentialed-fetch.ts';
import { type Batch, type Fetch, readNewest } from '../client/index.ts';

/** Null if the server gives none: a lane then begins by itself and says what is wrong. */
export function readHistory(room: string, get: Fetch = uncredentialedFetch): Promise<Batch | null> {
  return readNewest({ room, fetch: get });
}
