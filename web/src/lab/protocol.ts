// The two forms in which the page's server may be reached: cleartext, which gives HTTP/1.1, and TLS, which gives HTTP/2.
//
// A browser chooses the protocol by the origin, so a lane on the other protocol reads at the server's other origin. The
// server names it in the page's `Link` field; whether this browser may use it turns out by asking there. It may not
// without a certificate that it trusts, nor at a cleartext origin that is not the machine's own.

import { uncredentialedFetch } from './uncredentialed-fetch.ts';
import type { Fetch } from '../client/connection-factory.ts';
import { type HttpVersion, pageProtocol } from '../client/http-version.ts';

export const HTTP_VERSIONS: readonly HttpVersion[] = ['http/1.1', 'h2'];

/** What a lane's address asks for; `page` is what the page itself came over. */
export type RequestedProtocol = HttpVersion | 'page';

/** The page's server at its other origin. */
export interface OtherOrigin {
  version: HttpVersion;
  /** With a `/` at its end. */
  base: string;
}

export interface ReachableOrigins {
  /** What the page came over; null if the browser does not say, or names another. */
  own: HttpVersion | null;
  /** Null if there is none, or this browser may not use it. */
  other: OtherOrigin | null;
}

const ANSWER_TIMEOUT_MS = 3_000;

/** The addresses of `rel="alternate"` in a `Link` field. */
export function alternates(link: string): string[] {
  return [...link.matchAll(/<([^>]*)>\s*;\s*rel="alternate"/g)].map(([, address]) => address ?? '');
}

/** Where else the server says that the page at `origin` is; null if it does not know the page there. */
export function otherBase(link: string | null, origin: string): string | null {
  const bases = alternates(link ?? '');
  if (!bases.includes(`${origin}/`)) return null;
  return bases.find((base) => base !== `${origin}/`) ?? null;
}

/** `hop` says what an answer from an address came over, as the browser names it. */
export async function findOrigins(
  get: Fetch = uncredentialedFetch,
  hop: (address: string) => Promise<string | undefined> = nextHop,
  page: string = location.href,
): Promise<ReachableOrigins> {
  const own = versionOf(await hop(page));
  const ask = (address: string, method: string) =>
    get(address, { method, cache: 'no-store', signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
  try {
    const head = await ask(new URL('./', page).href, 'HEAD');
    const base = otherBase(head.headers.get('Link'), new URL(page).origin);
    if (base === null || own === null) return { own, other: null };
    const address = `${base}healthz`;
    const answer = await ask(address, 'GET');
    await answer.text();
    const version = versionOf(await hop(address));
    const isOther = answer.ok && version !== null && version !== own;
    return { own, other: isOther ? { version, base } : null };
  } catch {
    return { own, other: null };
  }
}

function versionOf(hop: string | undefined): HttpVersion | null {
  return HTTP_VERSIONS.find((version) => version === hop) ?? null;
}

/** A browser tells of a request some time after its answer. */
function nextHop(address: string): Promise<string | undefined> {
  if (address === location.href) return Promise.resolve(pageProtocol());
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
    const timer = setTimeout(end, ANSWER_TIMEOUT_MS);
    observer.observe({ type: 'resource', buffered: true });
  });
}
