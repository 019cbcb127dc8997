// Skip links for keyboard users, at the top of the page. A link is visible only while it has the focus.

import { strings } from '../i18n/index.ts';
import { h } from './dom.ts';

/** Looked up when a link is followed, as the elements on the page change with the view. */
const TARGETS = {
  write: () => (nameIsMissing() ? find('#name') : find('#message')),
  messages: () => find('[role=log]'),
  below: () => find('.page-panel'),
} satisfies Record<keyof typeof strings.skipLinks.to, () => HTMLElement | null>;

/** Elements that always exist. */
const HREFS = { write: '#message', messages: '#app', below: '#planner' } satisfies Record<
  keyof typeof TARGETS,
  string
>;

export function createSkipLinks(): HTMLElement {
  const links = Object.entries(TARGETS).map(([name, target]) => {
    const key = name as keyof typeof TARGETS;
    const link = h('a', { id: `skip-${key}`, href: HREFS[key] }, strings.skipLinks.to[key]);
    link.addEventListener('click', (event) => {
      // Keeps the fragment out of the address.
      event.preventDefault();
      const element = target();
      if (element === null) return;
      // In a narrow window, what is hidden is on the other tab.
      if (element.getClientRects().length === 0) find('#tab-conversation')?.click();
      // A region cannot get the focus without a tabindex.
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
