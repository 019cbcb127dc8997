import { describe, expect, test } from 'vitest';
import { buildRoomUrl, findUnknownParameters, parseRoom } from '../src/lab/room.ts';

describe('the room in the address', () => {
  test.each([
    ['', 'lobby'],
    ['?room=', 'lobby'],
    ['?x=1', 'lobby'],
    ['?room=tea', 'tea'],
    ['?room=A-z_09', 'A-z_09'],
    [`?room=${'a'.repeat(64)}`, 'a'.repeat(64)],
  ])('%s is %s', (search, room) => {
    expect(parseRoom(search)).toEqual({ ok: true, room });
  });

  test.each([
    ['?room=a%20b', 'a b'],
    ['?room=a+b', 'a b'],
    ['?room=%ED%95%9C', '한'],
    ['?room=a%0A', 'a\n'],
    ['?room=<b>', '<b>'],
    ['?room=../x', '../x'],
    [`?room=${'a'.repeat(65)}`, 'a'.repeat(65)],
    ['?room=%FF', '\uFFFD'],
  ])('%s is refused', (search, given) => {
    expect(parseRoom(search)).toEqual({ ok: false, given });
  });

  test('a link keeps the lanes’ settings', () => {
    const asked = 'view=side-by-side&left=long-poll&interval=0.5&interval=2';
    expect(buildRoomUrl('tea', `http://127.0.0.1:8080/?room=old&${asked}`)).toBe(
      `http://127.0.0.1:8080/?room=tea&${asked}`,
    );
  });

  test('a link drops unknown parameters and the fragment', () => {
    expect(buildRoomUrl('tea', 'http://127.0.0.1:8080/?room=old&x=1&plan-y=1#y')).toBe(
      'http://127.0.0.1:8080/?room=tea',
    );
  });

  test('names that the page does not know are found once each', () => {
    const known = 'room=a&view=one&lang=ko&present=1&left=poll&interval=1&traffic=chatty&plan-max-delay=1';
    expect(findUnknownParameters(`?${known}&plan-spacing=random&plan-stack=go`)).toEqual([]);
    expect(
      findUnknownParameters('?intervall=1&room=a&plan-delay=2&intervall=2&utm_source=x&fbclid=y&'),
    ).toEqual(['intervall', 'plan-delay']);
  });
});
