import { describe, expect, test } from 'vitest';
import { en } from '../src/i18n/en.ts';
import { ko } from '../src/i18n/ko.ts';
import { chooseLanguage, chooseLocale } from '../src/i18n/language.ts';

describe('the language', () => {
  test.each([
    [null, [], 'en'],
    [null, ['fr', 'ko-KR', 'en'], 'ko'],
    [null, ['en-GB', 'ko'], 'en'],
    [null, ['fr'], 'en'],
    ['ko', ['en-GB'], 'ko'],
    ['KO-kr', [], 'ko'],
    ['en', ['ko'], 'en'],
    ['tlh', ['ko'], 'en'],
    ['', ['ko'], 'en'],
  ] as const)('lang=%s in a browser that prefers %j is %s', (given, preferred, language) => {
    expect(chooseLanguage(given, preferred)).toBe(language);
  });

  test('numbers and times follow the browser’s region of the language', () => {
    expect(chooseLocale('en', ['ko', 'en-GB'])).toBe('en-GB');
    expect(chooseLocale('ko', ['en-GB'])).toBe('ko');
    expect(chooseLocale('en', ['en-_!'])).toBe('en');
  });
});

/** Every string of a language by its path, functions called with plausible values. */
function texts(value: unknown, path = ''): [string, string][] {
  if (typeof value === 'string') return [[path, value]];
  if (typeof value === 'function') {
    // Functions with other parameters have tests of their own.
    try {
      const text: unknown = value(...Array.from({ length: value.length }, () => 2));
      return typeof text === 'string' ? [[path, text]] : [];
    } catch {
      return [];
    }
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, each]) => texts(each, `${path}.${key}`));
}

describe('Korean', () => {
  const korean = new Map(texts(ko));

  test('translates every English string', () => {
    const same = texts(en).filter(([path, text]) => korean.get(path) === text && /[a-z]{4}/i.test(text));
    expect(same.map(([path]) => path)).toEqual([
      '.title',
      '.wordmark.poll',
      '.protocols.http/1.1',
      '.protocols.h2',
    ]);
  });

  test('has no empty string', () => {
    expect([...korean].filter(([, text]) => text.trim() === '')).toEqual([]);
  });
});
