// Requests about lanes that are not part of reading: `/ledger`, `/trace`.
//
// Browsers send requests with and without credentials over different connections. Without credentials these requests
// use no connection of a lane, so they change nothing that the server counts and traces of it.

import type { Fetch } from '../client/connection-factory.ts';

/** Set once something in front of the server has demanded credentials. */
let withCredentials = false;

export const uncredentialedFetch: Fetch = async (input, init) => {
  if (withCredentials) return fetch(input, init);
  const response = await fetch(input, { ...init, credentials: 'omit' });
  if (response.status !== 401 && response.status !== 403) return response;
  withCredentials = true;
  return fetch(input, init);
};
