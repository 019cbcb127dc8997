// All texts of the page, in its language.
//
// A language is one file that combines its parts: `en.ts` from `en/`, `ko.ts` from `ko/`. English defines which
// strings exist; another language that lacks one, or takes other arguments for it, does not compile. The page loads
// only its own language.

import type { Strings } from './en.ts';
import { LANGUAGE, type Language } from './language.ts';

const LOAD: Record<Language, () => Promise<Strings>> = {
  en: async () => (await import('./en.ts')).en,
  ko: async () => (await import('./ko.ts')).ko,
};

export const strings: Strings = await LOAD[LANGUAGE]();
