// Every sentence and word the page shows, in the page's language.
//
// A language is one file that gathers its parts: `en.ts` from `en/`, `ko.ts` from `ko/`. English says which
// strings there are; another language that lacks one, or takes other values for it, does not compile.

import { en, type Strings } from './en.ts';
import { ko } from './ko.ts';
import { LANGUAGE, type Language } from './language.ts';

const ALL: Record<Language, Strings> = { en, ko };

export const strings: Strings = ALL[LANGUAGE];
