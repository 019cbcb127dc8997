import { describe, expect, test } from 'vitest';
import { cookieText, routeOf } from '../src/lab/cookie.ts';

describe('a cookie of a chosen size', () => {
  test.each([1, 4] as const)('weighs %s KiB with its name', (kib) => {
    const [cookie] = cookieText('poll', kib, 'http://127.0.0.1:8080/?room=tea').split(';');
    expect(cookie).toHaveLength(kib * 1_024);
  });

  test('is of one route, wherever the page is', () => {
    expect(cookieText('stream', 1, 'https://example.org/chat/?x=1')).toMatch(
      /; Path=\/chat\/stream; SameSite=Strict; Secure$/,
    );
    expect(cookieText('poll', 1, 'http://127.0.0.1:8080/')).toMatch(/; Path=\/poll; SameSite=Strict$/);
  });

  test('of no size is removed', () => {
    expect(cookieText('poll', 0, 'http://127.0.0.1:8080/')).toMatch(/^\w+=; .*Max-Age=0$/);
  });

  test('is shared by polling and long-polling', () => {
    expect(['poll', 'long-poll', 'stream'].map((each) => routeOf(each as never))).toEqual([
      'poll',
      'poll',
      'stream',
    ]);
  });
});
