// Detects that the server has a newer page: its document names another script.

import { uncredentialedFetch } from './uncredentialed-fetch.ts';
import type { Fetch } from '../client/connection-factory.ts';

/** A built script has a hash in its name. The development server's scripts have none. */
const BUILT = /\/(assets\/[^/?#]+\.js)(?:[?#]|$)/;

export async function isNewerVersion(
  script: string,
  page: string,
  get: Fetch = uncredentialedFetch,
): Promise<boolean> {
  const own = BUILT.exec(script)?.[1];
  if (own === undefined) return false;
  try {
    const response = await get(page, { cache: 'no-store', signal: AbortSignal.timeout(10_000) });
    // A document without a built script, such as a proxy's error page, proves nothing.
    const text = response.ok ? await response.text() : '';
    return text.includes('assets/') && !text.includes(own);
  } catch {
    return false;
  }
}
