// The page's language: that of the URL, else the browser's preferred one, else English.

export type Language = 'en' | 'ko';

export const LANGUAGES: readonly Language[] = ['en', 'ko'];

/** Each in its own language. */
export const LANGUAGE_NAMES: Record<Language, string> = { en: 'English', ko: '한국어' };

/** `given` is `?lang=`; `preferred` are the browser's languages, best first, as BCP 47 tags. */
export function chooseLanguage(given: string | null, preferred: readonly string[]): Language {
  const wanted = given === null ? preferred : [given];
  for (const tag of wanted) {
    const language = LANGUAGES.find((each) => each === getPrimaryTag(tag));
    if (language !== undefined) return language;
  }
  return 'en';
}

export function isKnown(tag: string): boolean {
  return LANGUAGES.some((each) => each === getPrimaryTag(tag));
}

/** The locale of numbers and times: the browser's preferred region of the language, if any. */
export function chooseLocale(language: Language, preferred: readonly string[]): string {
  return preferred.find((tag) => getPrimaryTag(tag) === language && isLocale(tag)) ?? language;
}

function getPrimaryTag(tag: string): string {
  return tag.toLowerCase().split(/[-_]/)[0] ?? '';
}

function isLocale(tag: string): boolean {
  try {
    return Intl.getCanonicalLocales(tag).length === 1;
  } catch {
    return false;
  }
}

/** Empty in tests that run without a browser. */
const preferred = globalThis.navigator?.languages ?? [];

const given = new URLSearchParams(globalThis.location?.search ?? '').get('lang');
export const LANGUAGE: Language = chooseLanguage(given, preferred);
export const LOCALE: string = chooseLocale(LANGUAGE, preferred);
