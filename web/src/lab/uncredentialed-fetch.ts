// Questions about the lanes that are none of the lanes' own: `/ledger`, `/trace`.
//
// Browsers keep requests with and without credentials on different connections. Without them, these questions take
// no connection away from a lane, and what the server counts and traces of a lane is as it would be without them.

import type { Fetch } from '../client/connection-factory.ts';

/** Where something in front of the server wants credentials after all. */
let withCredentials = false;

export const uncredentialedFetch: Fetch = async (input, init) => {
  if (withCredentials) return fetch(input, init);
  const response = await fetch(input, { ...init, credentials: 'omit' });
  if (response.status !== 401 && response.status !== 403) return response;
  withCredentials = true;
  return fetch(input, init);
};
