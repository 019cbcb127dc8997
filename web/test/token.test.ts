import { expect, test } from 'vitest';
import { hasToken, needsToken, setToken } from '../src/lab/token.ts';

/** A fake page that records what is written to `document.cookie`. */
function page(protocol = 'http:', pathname = '/lab/index.html') {
  return { cookie: '', location: { protocol, pathname } as Location };
}

test('a token is a strict same-site cookie of the page’s folder', () => {
  const written = page();
  setToken('  a.b.c \n', written);
  expect(written.cookie).toBe('poll_vs_sse_token=a.b.c; Path=/lab/; SameSite=Strict');
  expect(hasToken({ cookie: 'theme=dark; poll_vs_sse_token=a.b.c' })).toBe(true);
});

test('over TLS the cookie is secure', () => {
  const written = page('https:', '/');
  setToken('a.b.c', written);
  expect(written.cookie).toBe('poll_vs_sse_token=a.b.c; Path=/; SameSite=Strict; Secure');
});

test('a blank field removes the token', () => {
  const written = page();
  setToken(' ', written);
  expect(written.cookie).toContain('; Max-Age=0');
  expect(hasToken({ cookie: 'theme=dark' })).toBe(false);
});

test('only a refusal for want of permission asks for another token', () => {
  const refused = { kind: 'reconnecting', why: 'refused', detail: null } as const;
  const statuses = [401, 403, 429, 503];
  const asks = (hasFault: boolean) =>
    statuses.filter((status) => needsToken({ ...refused, status }, hasFault));
  expect(asks(false)).toEqual([401, 403]);
  // A server that allows no faults answers 403.
  expect(asks(true)).toEqual([401]);
  expect(needsToken(refused, false)).toBe(false);
  expect(needsToken({ kind: 'live' }, false)).toBe(false);
});
