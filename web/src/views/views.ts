// Choosing the view: one lane, or two side by side.

import { strings } from '../i18n/index.ts';
import type { View } from '../lab/view.ts';
import { h } from './dom.ts';

const VIEWS: readonly View[] = ['one', 'both'];

export function viewSwitch(chosen: View, choose: (view: View) => void): HTMLElement {
  const buttons = VIEWS.map((view) => {
    const button = h(
      'button',
      { type: 'button', 'aria-pressed': String(view === chosen), 'data-view': view },
      strings.views[view],
    );
    button.addEventListener('click', () => {
      for (const each of buttons) each.setAttribute('aria-pressed', String(each === button));
      choose(view);
    });
    return button;
  });
  return h('div', { class: 'segments views', role: 'group', 'aria-label': strings.view }, ...buttons);
}
