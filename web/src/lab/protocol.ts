// The server's two origins: cleartext, with HTTP/1.1, and TLS, with HTTP/2.
//
// A browser chooses the protocol by the origin, so a lane over the other protocol reads from the server's other
// origin. The server names it in the page's `Link` header. A request shows whether this browser may use it: not
// without a trusted certificate, nor, from a TLS page, at a cleartext origin other than localhost.

import { uncredentialedFetch } from './uncredentialed-fetch.ts';
import type { Fetch } from '../client/connection-factory.ts';
import { type HttpVersion, getPageProtocol } from '../client/http-version.ts';

export const HTTP_VERSIONS: readonly HttpVersion[] = ['http/1.1', 'h2'];

/** The protocol that the URL requests for a lane; `page` is the protocol of the page itself. */
export type RequestedProtocol = HttpVersion | 'page';

/** The server's other origin. */
export interface OtherOrigin {
  version: HttpVersion;
  /** Ends with `/`. */
  base: string;
}

export interface ReachableOrigins {
  /** The page's own HTTP version; null if the browser does not report it, or reports another. */
  own: HttpVersion | null;
  /** Null if there is none, or if this browser may not use it. */
  other: OtherOrigin | null;
}

const RESPONSE_TIMEOUT_MS = 3_000;

/** The URLs with `rel="alternate"` in a `Link` header. */
function parseAlternates(link: string): string[] {
  return [...link.matchAll(/<([^>]*)>\s*;\s*rel="alternate"/g)].map(([, address]) => address ?? '');
}

/** The other URL of the page at `origin`; null if the header does not list `origin`. */
export function findOtherBase(link: string | null, origin: string): string | null {
  const bases = parseAlternates(link ?? '');
  if (!bases.includes(`${origin}/`)) return null;
  return bases.find((base) => base !== `${origin}/`) ?? null;
}

/** `hop` returns the ALPN name of the protocol over which a URL was loaded. */
export async function findOrigins(
  get: Fetch = uncredentialedFetch,
  hop: (address: string) => Promise<string | undefined> = getNextHop,
  page: string = location.href,
): Promise<ReachableOrigins> {
  const own = toHttpVersion(await hop(page));
  const ask = (address: string, method: string) =>
    get(address, { method, cache: 'no-store', signal: AbortSignal.timeout(RESPONSE_TIMEOUT_MS) });
  try {
    const head = await ask(new URL('./', page).href, 'HEAD');
    const base = findOtherBase(head.headers.get('Link'), new URL(page).origin);
    if (base === null || own === null) return { own, other: null };
    const address = `${base}healthz`;
    const answer = await ask(address, 'GET');
    await answer.text();
    const version = toHttpVersion(await hop(address));
    const isOther = answer.ok && version !== null && version !== own;
    return { own, other: isOther ? { version, base } : null };
  } catch {
    return { own, other: null };
  }
}

function toHttpVersion(hop: string | undefined): HttpVersion | null {
  return HTTP_VERSIONS.find((version) => version === hop) ?? null;
}

/** A browser adds the timing entry of a request some time after its response. */
function getNextHop(address: string): Promise<string | undefined> {
  if (address === location.href) return Promise.resolve(getPageProtocol());
  return new Promise((resolve) => {
    const observer = new PerformanceObserver((list) => {
      const [entry] = list.getEntriesByName(address) as PerformanceResourceTiming[];
      if (entry !== undefined) end(entry.nextHopProtocol);
    });
    const end = (protocol?: string) => {
      clearTimeout(timer);
      observer.disconnect();
      resolve(protocol);
    };
    const timer = setTimeout(end, RESPONSE_TIMEOUT_MS);
    observer.observe({ type: 'resource', buffered: true });
  });
}
