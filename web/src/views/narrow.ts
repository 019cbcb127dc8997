// Tabs for narrow windows, which show either the diagrams with their numbers or the conversations.

import { strings } from '../i18n/index.ts';
import { h } from './dom.ts';

/** As in the styles. */
const NARROW = matchMedia('not all and (min-width: 62rem)');

const TABS = ['diagram', 'conversation'] as const;
export type NarrowTab = (typeof TABS)[number];

export interface NarrowTabs {
  element: HTMLElement;
  readonly chosen: NarrowTab;
  choose(tab: NarrowTab): void;
}

export function isNarrow(): boolean {
  return NARROW.matches;
}

export function onNarrowChange(changed: () => void): void {
  NARROW.addEventListener('change', changed);
}

/** Keeps the chosen tab in `data-tab` of `page`. */
export function createTabs(page: HTMLElement): NarrowTabs {
  let chosen: NarrowTab = 'diagram';
  const choose = (tab: NarrowTab, focus = false) => {
    page.dataset['tab'] = chosen = tab;
    TABS.forEach((each, at) => {
      buttons[at]?.setAttribute('aria-selected', String(each === tab));
      buttons[at]?.setAttribute('tabindex', each === tab ? '0' : '-1');
      if (focus && each === tab) buttons[at]?.focus();
    });
    // Elements that have become visible must measure their size.
    window.dispatchEvent(new Event('resize'));
  };
  const buttons = TABS.map((tab) => {
    const button = h('button', { type: 'button', role: 'tab', id: `tab-${tab}` }, strings.tabs[tab]);
    button.addEventListener('click', () => choose(tab));
    return button;
  });
  const list = h('div', { class: 'tabs', role: 'tablist', 'aria-label': strings.tabs.title }, ...buttons);
  list.addEventListener('keydown', ({ key }) => {
    if (key !== 'ArrowLeft' && key !== 'ArrowRight') return;
    choose(chosen === 'diagram' ? 'conversation' : 'diagram', true);
  });
  choose(chosen);
  return {
    element: list,
    get chosen() {
      return chosen;
    },
    choose: (tab) => choose(tab),
  };
}
