// HTTP versions by their ALPN names, and the version that the page was loaded over.

export type HttpVersion = 'http/1.1' | 'h2';

/** The protocol the page was loaded over, by its ALPN name; undefined if the browser does not report it. */
export function getPageProtocol(): string | undefined {
  const [page] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
  return page?.nextHopProtocol;
}

/**
 * Whether requests use HTTP/1.1: the version `crossOriginVersion` if given, else that of the page. True if it is
 * unknown.
 */
export function isHttp1(crossOriginVersion?: HttpVersion): boolean {
  if (crossOriginVersion !== undefined) return crossOriginVersion === 'http/1.1';
  try {
    return !/^h[23]/.test(getPageProtocol() ?? '');
  } catch {
    return true;
  }
}
