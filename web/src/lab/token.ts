// The token that this page shows to the server, if the server asks for one.
//
// A cookie, since an EventSource can send no header of ours; the browser then sends it with every request of the page. It is
// never in the page's address, and gone when the browser closes.

const NAME = 'poll_vs_sse_token';

/** Sends `token` with every request from now on; none if it is blank. */
export function useToken(token: string, page: Pick<Document, 'cookie' | 'location'> = document): void {
  const value = token.trim();
  const folder = page.location.pathname.replace(/[^/]*$/, '');
  const lasts = value === '' ? '; Max-Age=0' : '';
  const secure = page.location.protocol === 'https:' ? '; Secure' : '';
  page.cookie = `${NAME}=${encodeURIComponent(value)}; Path=${folder}; SameSite=Strict${lasts}${secure}`;
}

/** Whether the page sends a token that it knows of. */
export function hasToken(page: Pick<Document, 'cookie'> = document): boolean {
  return page.cookie.split(';').some((cookie) => cookie.trim().startsWith(`${NAME}=`));
}
