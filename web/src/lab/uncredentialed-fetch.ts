// A `fetch` for requests that are not part of a lane's reading, such as `/ledger` and `/trace`.
//
// Browsers use different connections for requests with and without credentials. Without credentials, these requests use
// no connection of a lane, so they do not affect what the server counts and traces for it.

import type { Fetch } from '../client/connection-factory.ts';

/** Set if the server, or a proxy before it, requires credentials. */
let withCredentials = false;

export const uncredentialedFetch: Fetch = async (input, init) => {
  if (withCredentials) return fetch(input, init);
  const response = await fetch(input, { ...init, credentials: 'omit' });
  if (response.status !== 401 && response.status !== 403) return response;
  withCredentials = true;
  return fetch(input, init);
};
