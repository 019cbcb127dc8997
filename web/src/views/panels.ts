// Panels below the lanes, each a region with a heading.

import { h } from './dom.ts';

export class Panels {
  readonly element = h('div', { class: 'panels' });

  /** `key` is the panel's id, and the prefix of the ids in it. */
  add(key: string, title: string, ...content: (Node | string)[]): HTMLElement {
    const heading = `${key}-heading`;
    const panel = h(
      'section',
      { class: 'page-panel', id: key, 'aria-labelledby': heading },
      h('h2', { id: heading }, title),
      ...content,
    );
    this.element.append(panel);
    return panel;
  }
}
