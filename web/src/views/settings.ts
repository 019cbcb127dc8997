// The button behind which the settings are: the room, its link, and what can be set of each lane.

import { strings } from '../i18n/index.ts';
import { h } from './dom.ts';

/** `page` is marked while they are shown; `panel` holds those of the page itself. */
export function settingsButton(page: HTMLElement, panel: HTMLElement): HTMLButtonElement {
  const button = h(
    'button',
    {
      class: 'quiet settings-button',
      type: 'button',
      'aria-expanded': 'false',
      'aria-controls': panel.id,
    },
    strings.settings,
  );
  panel.hidden = true;
  button.addEventListener('click', () => {
    const shown = page.toggleAttribute('data-settings');
    panel.hidden = !shown;
    button.setAttribute('aria-expanded', String(shown));
  });
  return button;
}
