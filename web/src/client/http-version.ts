// The versions of HTTP, by the names that ALPN has for them, and which one the page came over.

export type HttpVersion = 'http/1.1' | 'h2';

/** Whether the page came over HTTP/1.1, as far as the browser says. */
export function isHttp1(): boolean {
  try {
    const [page] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
    return page === undefined || !/^h[23]/.test(page.nextHopProtocol);
  } catch {
    return true;
  }
}
