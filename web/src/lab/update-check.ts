// Whether the server has a newer page than this one: the document that it serves names other files.

import { uncredentialedFetch } from './uncredentialed-fetch.ts';
import type { Fetch } from '../client/connection-factory.ts';

/** The built page's script has a hash in its name. The development server's has none to compare. */
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
    // A document without scripts of its own proves nothing.
    const text = response.ok ? await response.text() : '';
    return text.includes('assets/') && !text.includes(own);
  } catch {
    return false;
  }
}
