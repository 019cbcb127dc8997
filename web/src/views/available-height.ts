// Measures the height left for the conversation. Styles cannot know the height of the elements above and below it.

import { watchSize } from './browser.ts';

/** Sticky elements that would cover more of the window than this do not stick. */
const MAX_STICKY_SHARE = 0.4;

/**
 * Keeps custom properties on `stage` up to date: the distance from the page's top to the first log or diagram, the
 * height of the sticky elements `below` (0 if they are too high to stick), and the height of a lane's numbers. Returns
 * a function to call when lanes change.
 */
export function trackAvailableHeight(
  stage: HTMLElement,
  above: readonly Element[],
  below: readonly HTMLElement[],
): () => void {
  const measure = () => {
    const height = Math.max(...below.map(({ offsetHeight }) => offsetHeight));
    const isTooHigh = height > MAX_STICKY_SHARE * innerHeight;
    for (const each of below) each.toggleAttribute('data-too-high', isTooHigh);
    stage.style.setProperty('--speech-height', `${isTooHigh ? 0 : height}px`);
    const glance = stage.querySelector<HTMLElement>('.glance');
    stage.style.setProperty('--glance-height', `${glance?.offsetHeight ?? 0}px`);
    const tops = [...stage.querySelectorAll('.lane-log, .picture')]
      .map((each) => each.getBoundingClientRect())
      .flatMap(({ top, height }) => (height > 0 ? [top] : []));
    if (tops.length === 0) return;
    stage.style.setProperty('--log-top', `${Math.round(Math.min(...tops) + scrollY)}px`);
  };
  const watchToo = watchSize([...above, ...below], measure);
  // Lanes change with the view. A lane that is no longer shown stays observed, which costs nothing.
  return () => {
    for (const head of stage.querySelectorAll('.lane-head, .glance, .status')) watchToo(head);
    measure();
  };
}
