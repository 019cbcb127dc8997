// The button that shows and hides the settings of the page and of the lanes.

import { strings } from '../i18n/index.ts';
import { h } from './dom.ts';

/** `page` has `data-settings` while they are shown; `panel` holds the settings of the page itself. */
export function createSettingsButton(page: HTMLElement, panel: HTMLElement): HTMLButtonElement {
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
  const show = (shown: boolean) => {
    page.toggleAttribute('data-settings', shown);
    panel.hidden = !shown;
    button.setAttribute('aria-expanded', String(shown));
  };
  button.addEventListener('click', () => show(panel.hidden === true));
  panel.addEventListener('keydown', ({ key }) => {
    if (key !== 'Escape') return;
    show(false);
    button.focus();
  });
  return button;
}
