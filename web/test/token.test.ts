import { expect, test } from 'vitest';
import { hasToken, useToken } from '../src/lab/token.ts';

/** What a page writes into `document.cookie`. */
function page(protocol = 'http:', pathname = '/lab/index.html') {
  return { cookie: '', location: { protocol, pathname } as Location };
}

test('a token is a cookie of the page’s folder that no other site makes the browser send', () => {
  const written = page();
  useToken('  a.b.c \n', written);
  expect(written.cookie).toBe('poll_vs_sse_token=a.b.c; Path=/lab/; SameSite=Strict');
  expect(hasToken({ cookie: 'theme=dark; poll_vs_sse_token=a.b.c' })).toBe(true);
});

test('over TLS it never leaves that', () => {
  const written = page('https:', '/');
  useToken('a.b.c', written);
  expect(written.cookie).toBe('poll_vs_sse_token=a.b.c; Path=/; SameSite=Strict; Secure');
});

test('a blank field takes the token back', () => {
  const written = page();
  useToken(' ', written);
  expect(written.cookie).toContain('; Max-Age=0');
  expect(hasToken({ cookie: 'theme=dark' })).toBe(false);
});
