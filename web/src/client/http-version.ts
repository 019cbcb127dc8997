// The versions of HTTP, by the names that ALPN has for them, and which one the page came over.

export type HttpVersion = 'http/1.1' | 'h2';

/** What the page came over, as the browser names it; undefined if it does not say. */
export function pageProtocol(): string | undefined {
  const [page] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
  return page?.nextHopProtocol;
}

/** Whether requests go over HTTP/1.1: as `elsewhere` says, or else as the page came, as far as the browser says. */
export function isHttp1(elsewhere?: HttpVersion): boolean {
  if (elsewhere !== undefined) return elsewhere === 'http/1.1';
  try {
    return !/^h[23]/.test(pageProtocol() ?? '');
  } catch {
    return true;
  }
}
