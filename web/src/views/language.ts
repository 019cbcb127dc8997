// The language picker. It reloads the page in the language; the settings are in its address.

import { LANGUAGE, LANGUAGES, LANGUAGE_NAMES } from '../i18n/language.ts';
import { strings } from '../i18n/index.ts';
import { h } from './dom.ts';

const PARAMETER = 'lang';

export function createLanguagePicker(): HTMLElement {
  const options = LANGUAGES.map((language) =>
    h(
      'option',
      { value: language, lang: language, selected: language === LANGUAGE },
      LANGUAGE_NAMES[language],
    ),
  );
  const select = h('select', { id: 'language', autocomplete: 'off' }, ...options);
  select.addEventListener('change', () => {
    const address = new URL(location.href);
    address.searchParams.set(PARAMETER, select.value);
    location.assign(address);
  });
  return h('div', { class: 'language' }, h('label', { for: 'language' }, strings.language), select);
}
