import { describe, expect, test } from 'vitest';
import { formatCookie, getCookieRoute } from '../src/lab/cookie.ts';

describe('a cookie of a chosen size', () => {
  test.each([1, 4] as const)('has %s KiB including its name', (kib) => {
    const [cookie] = formatCookie('poll', kib, 'http://127.0.0.1:8080/?room=tea').split(';');
    expect(cookie).toHaveLength(kib * 1_024);
  });

  test('has the path of its route below the page’s folder', () => {
    expect(formatCookie('stream', 1, 'https://example.org/chat/?x=1')).toMatch(
      /; Path=\/chat\/stream; SameSite=Strict; Secure$/,
    );
    expect(formatCookie('poll', 1, 'http://127.0.0.1:8080/')).toMatch(/; Path=\/poll; SameSite=Strict$/);
  });

  test('is removed if the size is 0', () => {
    expect(formatCookie('poll', 0, 'http://127.0.0.1:8080/')).toMatch(/^\w+=; .*Max-Age=0$/);
  });

  test('is shared by polling and long-polling', () => {
    expect(['poll', 'long-poll', 'stream'].map((each) => getCookieRoute(each as never))).toEqual([
      'poll',
      'poll',
      'stream',
    ]);
  });
});
