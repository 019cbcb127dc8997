import { describe, expect, test } from 'vitest';
import { parsePageSettings } from '../src/lab/page-settings.ts';
import { type LaneSettings, parseSettings, withSettings } from '../src/lab/url-settings.ts';

const POLL: LaneSettings = {
  transport: 'poll',
  interval_s: 2,
  stallTimeout_s: 45,
  fault: 'healthy',
  connection: 'keep-alive',
  cookie_kib: 0,
  protocol: 'page',
};
const STREAM: LaneSettings = { ...POLL, transport: 'stream' };
const LONG_POLL: LaneSettings = { ...POLL, transport: 'long-poll' };
const PAGE = 'http://127.0.0.1:8080/';

describe('the address', () => {
  test('gives defaults without parameters', () => {
    expect(parseSettings('?room=tea')).toEqual({
      settings: { one: [POLL], both: [POLL, STREAM], three: [POLL, LONG_POLL, STREAM] },
      invalid: [],
    });
  });

  test.each([
    ['', 'both', [POLL, STREAM]],
    ['?transport=stream', 'one', [STREAM]],
    ['', 'three', [POLL, LONG_POLL, STREAM]],
    ['?middle=stream&right=poll', 'three', [POLL, STREAM, POLL]],
    ['?left=long-poll&right=poll', 'both', [{ ...POLL, transport: 'long-poll' }, POLL]],
    [
      '?interval=0.5&mute=2',
      'both',
      [
        { ...POLL, interval_s: 0.5, stallTimeout_s: 2 },
        { ...STREAM, interval_s: 0.5, stallTimeout_s: 2 },
      ],
    ],
    [
      '?interval=0.5&interval=2&mute=45&mute=1.5',
      'both',
      [
        { ...POLL, interval_s: 0.5 },
        { ...STREAM, stallTimeout_s: 1.5 },
      ],
    ],
    ['?cookie=0&cookie=4', 'both', [POLL, { ...STREAM, cookie_kib: 4 }]],
    [
      '?protocol=http%2F1.1&protocol=h2',
      'both',
      [
        { ...POLL, protocol: 'http/1.1' },
        { ...STREAM, protocol: 'h2' },
      ],
    ],
    [
      '?fault=buffer&connection=close',
      'both',
      [
        { ...POLL, fault: 'buffer', connection: 'close' },
        { ...STREAM, fault: 'buffer', connection: 'close' },
      ],
    ],
    ['?fault=healthy&fault=healthy&fault=slow', 'three', [POLL, LONG_POLL, { ...STREAM, fault: 'slow' }]],
  ] as const)(
    '“%s” is parsed to the settings of a view’s lanes, and built from them',
    (search, view, settings) => {
      expect(parseSettings(search).settings[view]).toEqual(settings);
      expect(withSettings(PAGE, view, settings)).toBe(PAGE + search);
    },
  );

  test.each([
    ['?mute=abc', 'mute', 'abc'],
    ['?mute=', 'mute', ''],
    ['?mute=0', 'mute', '0'],
    ['?mute=0.1', 'mute', '0.1'],
    ['?mute=99999', 'mute', '99999'],
    ['?interval=0.2', 'interval', '0.2'],
    ['?interval=61', 'interval', '61'],
    ['?left=sse', 'left', 'sse'],
    ['?fault=offline', 'fault', 'offline'],
    ['?connection=none', 'connection', 'none'],
    ['?cookie=2', 'cookie', '2'],
    ['?transport=__proto__', 'transport', '__proto__'],
  ])('“%s” is reported as invalid and ignored', (search, name, value) => {
    const { settings, invalid } = parseSettings(search);
    expect(settings).toEqual(parseSettings('').settings);
    expect(invalid).toMatchObject([{ name, value }]);
  });

  test('names the unit of a number, in both languages', async () => {
    const { pageNotice: english } = await import('../src/i18n/en/notice.ts');
    const { pageNotice: korean } = await import('../src/i18n/ko/notice.ts');
    const [interval] = parseSettings('?interval=0.1').invalid;
    const [rate] = parsePageSettings('?rate=99').invalid;
    if (!interval?.range || !rate?.range) throw new Error('no range');
    expect(english.wrongNumber('interval', '0.1', interval.range)).toMatch(
      /a number from 0\.25 to 60 seconds\.$/,
    );
    expect(english.wrongNumber('rate', '99', rate.range)).toMatch(
      /a number from 0\.1 to 50 messages a second\.$/,
    );
    expect(korean.wrongNumber('rate', '99', rate.range)).toMatch(/초당 메시지 수로 0\.1에서 50 사이/);
  });

  test('omits a fault that ends by itself', () => {
    expect(withSettings(PAGE, 'one', [{ ...POLL, fault: 'offline' }])).toBe(PAGE);
  });

  test('keeps other parameters, and those of the other views', () => {
    expect(withSettings(`${PAGE}?room=tea&left=stream&interval=9`, 'one', [STREAM])).toBe(
      `${PAGE}?room=tea&left=stream&transport=stream`,
    );
  });
});
