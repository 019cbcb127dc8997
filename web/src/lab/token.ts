// The access token, for a server that requires one.
//
// It is a cookie, as an EventSource cannot send our headers. It is never in the page's URL, and is deleted when the
// browser closes.

import type { Link } from '../client/sources/source.ts';

const NAME = 'poll_vs_sse_token';

/** Sends `token` with every later request; removes it if it is blank. */
export function setToken(token: string, page: Pick<Document, 'cookie' | 'location'> = document): void {
  const value = token.trim();
  const folder = page.location.pathname.replace(/[^/]*$/, '');
  const lasts = value === '' ? '; Max-Age=0' : '';
  const secure = page.location.protocol === 'https:' ? '; Secure' : '';
  page.cookie = `${NAME}=${encodeURIComponent(value)}; Path=${folder}; SameSite=Strict${lasts}${secure}`;
}

/** Whether the page sends a token. */
export function hasToken(page: Pick<Document, 'cookie'> = document): boolean {
  return page.cookie.split(';').some((cookie) => cookie.trim().startsWith(`${NAME}=`));
}

/**
 * Whether the server refuses the token of the requests, or their lack of one. A server that allows no faults also answers
 * a request for one with 403.
 */
export function needsToken(link: Link, hasFault: boolean): boolean {
  return link.kind === 'reconnecting' && (link.status === 401 || (link.status === 403 && !hasFault));
}
