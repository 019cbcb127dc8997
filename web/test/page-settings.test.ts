import { describe, expect, test } from 'vitest';
import { pageSettingsFrom, parameterOf } from '../src/lab/page-settings.ts';

describe('the address of the page as a whole', () => {
  test('says nothing of what there is without it', () => {
    expect(pageSettingsFrom('?room=tea')).toEqual({
      settings: { traffic: null, rate: 2, window_s: 12 },
      invalid: [],
    });
    expect(parameterOf('rate', 2)).toBeNull();
    expect(parameterOf('window', 12)).toBeNull();
    expect(parameterOf('traffic', null)).toBeNull();
  });

  test('says which traffic runs, how much, and how much time is shown', () => {
    expect(pageSettingsFrom('?traffic=steady&rate=0.5&window=60').settings).toEqual({
      traffic: 'steady',
      rate: 0.5,
      window_s: 60,
    });
    expect(parameterOf('traffic', 'chatty')).toBe('chatty');
    expect(parameterOf('rate', 0.5)).toBe('0.5');
  });

  test('does not say a burst, which would be over', () => {
    expect(parameterOf('traffic', 'burst')).toBeNull();
  });

  test.each([
    ['traffic', 'burst'],
    ['traffic', ''],
    ['rate', '0'],
    ['rate', '51'],
    ['rate', 'x'],
    ['window', '13'],
  ])('“%s=%s” is told to be invalid, and done without', (name, value) => {
    const { settings, invalid } = pageSettingsFrom(`?${name}=${value}`);
    expect(settings).toEqual(pageSettingsFrom('').settings);
    expect(invalid).toMatchObject([{ name, value }]);
  });
});
