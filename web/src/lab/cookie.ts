// A cookie of a chosen size, sent with a lane's requests as a site's own cookies are.
//
// A browser keeps cookies by path, so the lanes that ask one route share its cookie.

import type { Transport } from '../client/transport.ts';

/** In KiB; the first one is none. */
export const COOKIES_KIB = [0, 1, 4] as const;
export type CookieKib = (typeof COOKIES_KIB)[number];

export type CookieRoute = 'poll' | 'stream';

const NAME = 'poll_vs_sse_ballast';

export function routeOf(transport: Transport): CookieRoute {
  return transport === 'stream' ? 'stream' : 'poll';
}

/** What is written to `document.cookie`; the cookie with its name has the size, as long as a browser takes that much. */
export function cookieText(route: CookieRoute, kib: CookieKib, page: string): string {
  const { pathname, protocol } = new URL(route, page);
  const value = 'x'.repeat(Math.max(0, kib * 1_024 - NAME.length - 1));
  const lasts = kib === 0 ? '; Max-Age=0' : '';
  const secure = protocol === 'https:' ? '; Secure' : '';
  return `${NAME}=${value}; Path=${pathname}; SameSite=Strict${secure}${lasts}`;
}

/** A browser that keeps no cookies ignores it. */
export function putCookie(route: CookieRoute, kib: CookieKib): void {
  document.cookie = cookieText(route, kib, document.baseURI);
}
