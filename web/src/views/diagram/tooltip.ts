// The tooltip of an arrow that is hovered or has the focus.

import { h, setText } from '../dom.ts';
import type { Arrow } from './arrow.ts';
import type { Timeline } from './timeline.ts';

export class Tooltip {
  readonly element = h('p', { class: 'tip', hidden: true });
  readonly #timeline: Timeline;
  /** The pointer in client coordinates, while it is over the diagram. */
  #pointer: { x: number; y: number } | null = null;
  #hovered: Arrow | null = null;
  #focused: Arrow | null = null;
  #shown: Arrow | null = null;

  constructor(timeline: Timeline) {
    this.#timeline = timeline;
    const frame = timeline.element;
    frame.append(this.element);
    frame.addEventListener('pointermove', (event) => {
      this.#pointer = { x: event.clientX, y: event.clientY };
      this.#hovered = timeline.arrowAt(this.#pointer);
      this.follow();
    });
    frame.addEventListener('pointerleave', () => {
      this.#pointer = null;
      this.#hovered = null;
      this.follow();
    });
    frame.addEventListener('focusin', (event) => {
      this.#focused = timeline.arrowOf(event.target);
      this.follow();
    });
    frame.addEventListener('focusout', () => {
      this.#focused = null;
      this.follow();
    });
  }

  /** Call when the diagram was drawn again, so that another element replaces the hovered arrow. */
  reposition(): void {
    const hovered = this.#hovered;
    if (hovered === null || this.#pointer === null) return;
    this.#hovered = this.#timeline.successorOf(hovered) ?? this.#timeline.arrowAt(this.#pointer);
  }

  /** Keeps the tooltip beside its moving arrow, and hides it when the arrow disappears. */
  follow(): void {
    const wanted = this.#hovered ?? this.#focused;
    const arrow = wanted !== null && this.#timeline.has(wanted) ? wanted : null;
    if (arrow !== this.#shown) {
      this.#shown?.element.classList.remove('lit');
      arrow?.element.classList.add('lit');
      this.#shown = arrow;
      this.element.hidden = arrow === null;
    }
    if (arrow === null) return;
    setText(this.element, arrow.element.getAttribute('aria-label') ?? '');
    // At the opposite end of the diagram, so that it does not cover the arrow's neighbours.
    const { clientHeight } = this.#timeline.element;
    const isLow = this.#timeline.top(arrow) > clientHeight / 2;
    this.element.dataset['at'] = isLow ? 'top' : 'bottom';
  }
}
