// Every sentence and word the page shows, in the page's language.
//
// A language is one file that gathers its parts: `en.ts` from `en/`, `ko.ts` from `ko/`. English says which
// strings there are; another language that lacks one, or takes other values for it, does not compile. The page
// loads its own language only.

import type { Strings } from './en.ts';
import { LANGUAGE, type Language } from './language.ts';

const LOAD: Record<Language, () => Promise<Strings>> = {
  en: async () => (await import('./en.ts')).en,
  ko: async () => (await import('./ko.ts')).ko,
};

export const strings: Strings = await LOAD[LANGUAGE]();
