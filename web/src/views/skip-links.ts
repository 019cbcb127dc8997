// Links for the keyboard, before everything else on the page: seen only while one has the focus.

import { strings } from '../i18n/index.ts';
import { h } from './dom.ts';

/** Each is found when it is followed: what stands on the page changes with the view. */
const TARGETS = {
  write: () => (nameIsMissing() ? find('#name') : find('#message')),
  messages: () => find('[role=log]'),
  below: () => find('.page-panel'),
} satisfies Record<keyof typeof strings.skipLinks.to, () => HTMLElement | null>;

/** Elements that are always there. */
const HREFS = { write: '#message', messages: '#app', below: '#planner' } satisfies Record<
  keyof typeof TARGETS,
  string
>;

export function skipLinks(): HTMLElement {
  const links = Object.entries(TARGETS).map(([name, target]) => {
    const key = name as keyof typeof TARGETS;
    const link = h('a', { id: `skip-${key}`, href: HREFS[key] }, strings.skipLinks.to[key]);
    link.addEventListener('click', (event) => {
      // The address opens the page as it is, not at a place in it.
      event.preventDefault();
      const element = target();
      if (element === null) return;
      // A region takes the focus only if it is told to.
      if (element.tabIndex < 0) element.tabIndex = -1;
      element.focus();
      element.scrollIntoView({ block: 'nearest' });
    });
    return link;
  });
  return h('nav', { class: 'skip-links', 'aria-label': strings.skipLinks.title }, ...links);
}

function nameIsMissing(): boolean {
  return document.querySelector<HTMLInputElement>('#name')?.value === '';
}

function find(selector: string): HTMLElement | null {
  return document.querySelector<HTMLElement>(selector);
}
