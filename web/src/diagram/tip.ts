// What an arrow says of itself, beside it, while it is hovered or has the focus.

import { h, setText } from '../ui/dom.ts';
import type { Arrow } from './arrow.ts';
import type { Picture } from './picture.ts';

export class Tip {
  readonly element = h('p', { class: 'tip', hidden: true });
  readonly #picture: Picture;
  #hovered: Arrow | null = null;
  #focused: Arrow | null = null;
  #shown: Arrow | null = null;

  constructor(picture: Picture) {
    this.#picture = picture;
    const frame = picture.element;
    frame.append(this.element);
    frame.addEventListener('pointermove', (event) => {
      this.#hovered = picture.arrowAt(event.clientY - frame.getBoundingClientRect().top);
      this.follow();
    });
    frame.addEventListener('pointerleave', () => {
      this.#hovered = null;
      this.follow();
    });
    frame.addEventListener('focusin', (event) => {
      this.#focused = picture.arrowOf(event.target);
      this.follow();
    });
    frame.addEventListener('focusout', () => {
      this.#focused = null;
      this.follow();
    });
  }

  /** Stays beside its arrow, which moves, and goes when the arrow goes. */
  follow(): void {
    const wanted = this.#hovered ?? this.#focused;
    const arrow = wanted !== null && this.#picture.has(wanted) ? wanted : null;
    if (arrow !== this.#shown) {
      this.#shown?.element.classList.remove('lit');
      arrow?.element.classList.add('lit');
      this.#shown = arrow;
      this.element.hidden = arrow === null;
    }
    if (arrow === null) return;
    setText(this.element, arrow.element.getAttribute('aria-label') ?? '');
    const top = this.#picture.top(arrow);
    // Above the arrow in the lower half, where there is more to come; below it in the upper.
    const below = top < this.#picture.element.clientHeight / 2;
    this.element.style.transform = `translateY(${Math.round(top + (below ? 10 : -10))}px) translateY(${below ? '0' : '-100%'})`;
  }
}
