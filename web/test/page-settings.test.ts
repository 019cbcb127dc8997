import { describe, expect, test } from 'vitest';
import { parsePageSettings, formatParameter } from '../src/lab/page-settings.ts';

describe('the page’s settings in its address', () => {
  test('omit defaults', () => {
    expect(parsePageSettings('?room=tea')).toEqual({
      settings: { traffic: null, rate: 2, window_s: 12 },
      invalid: [],
    });
    expect(formatParameter('rate', 2)).toBeNull();
    expect(formatParameter('window', 12)).toBeNull();
    expect(formatParameter('traffic', null)).toBeNull();
  });

  test('have the traffic pattern, the rate and the window', () => {
    expect(parsePageSettings('?traffic=steady&rate=0.5&window=60').settings).toEqual({
      traffic: 'steady',
      rate: 0.5,
      window_s: 60,
    });
    expect(formatParameter('traffic', 'chatty')).toBe('chatty');
    expect(formatParameter('rate', 0.5)).toBe('0.5');
  });

  test('omit a burst, which would be over', () => {
    expect(formatParameter('traffic', 'burst')).toBeNull();
  });

  test.each([
    ['traffic', 'burst'],
    ['traffic', ''],
    ['rate', '0'],
    ['rate', '51'],
    ['rate', 'x'],
    ['window', '13'],
  ])('report and ignore the invalid “%s=%s”', (name, value) => {
    const { settings, invalid } = parsePageSettings(`?${name}=${value}`);
    expect(settings).toEqual(parsePageSettings('').settings);
    expect(invalid).toMatchObject([{ name, value }]);
  });
});
