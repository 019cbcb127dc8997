// The message that is shown if the page could not start.

import { strings } from '../i18n/index.ts';
import { h } from './dom.ts';
import { createWordmark } from './header.ts';

export function showFatalError(app: HTMLElement): void {
  const again = h('a', { class: 'way-on', href: location.href }, strings.pageNotice.reload);
  app.replaceChildren(
    h(
      'main',
      { class: 'bad-room' },
      createWordmark(),
      h('h2', {}, strings.pageNotice.failedTitle),
      h('p', {}, strings.pageNotice.failed),
      h('p', {}, again),
    ),
  );
  again.addEventListener('click', (event) => {
    event.preventDefault();
    location.reload();
  });
}
