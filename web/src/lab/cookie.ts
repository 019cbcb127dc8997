// A cookie of a chosen size, which the browser sends with a lane's requests.
//
// Browsers keep cookies by path, so lanes that request the same route share its cookie.

import type { Transport } from '../client/transport.ts';

/** Sizes in KiB; 0 is no cookie. */
export const COOKIES_KIB = [0, 1, 4] as const;
export type CookieKib = (typeof COOKIES_KIB)[number];

export type CookieRoute = 'poll' | 'stream';

const NAME = 'poll_vs_sse_ballast';

export function getCookieRoute(transport: Transport): CookieRoute {
  return transport === 'stream' ? 'stream' : 'poll';
}

/**
 * The value for `document.cookie`. The cookie has the size `kib` including its name, if the browser accepts that
 * much.
 */
export function formatCookie(route: CookieRoute, kib: CookieKib, page: string): string {
  const { pathname, protocol } = new URL(route, page);
  const value = 'x'.repeat(Math.max(0, kib * 1_024 - NAME.length - 1));
  const lasts = kib === 0 ? '; Max-Age=0' : '';
  const secure = protocol === 'https:' ? '; Secure' : '';
  return `${NAME}=${value}; Path=${pathname}; SameSite=Strict${secure}${lasts}`;
}

/** A browser that blocks cookies ignores it. */
export function setCookie(route: CookieRoute, kib: CookieKib): void {
  document.cookie = formatCookie(route, kib, document.baseURI);
}
