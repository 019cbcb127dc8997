// What is left of the window for the conversation: styles only learn here how much stands above it and below it.

import { watchSize } from './browser.ts';

/**
 * Keeps on `stage` the distance from the page's top to the first log or diagram, whichever is shown first, the height of
 * what is `below` and stays in sight, and that of a lane's numbers.
 */
export function trackAvailableHeight(
  stage: HTMLElement,
  above: readonly Element[],
  below: readonly HTMLElement[],
): () => void {
  const measure = () => {
    const height = Math.max(...below.map(({ offsetHeight }) => offsetHeight));
    stage.style.setProperty('--speech-height', `${height}px`);
    const glance = stage.querySelector<HTMLElement>('.glance');
    stage.style.setProperty('--glance-height', `${glance?.offsetHeight ?? 0}px`);
    const tops = [...stage.querySelectorAll('.lane-log, .picture')]
      .map((each) => each.getBoundingClientRect())
      .flatMap(({ top, height }) => (height > 0 ? [top] : []));
    if (tops.length === 0) return;
    stage.style.setProperty('--log-top', `${Math.round(Math.min(...tops) + scrollY)}px`);
  };
  const watchToo = watchSize([...above, ...below], measure);
  // Lanes come and go with the view. One that was shown before stays observed, which costs nothing.
  return () => {
    for (const head of stage.querySelectorAll('.lane-head, .glance, .status')) watchToo(head);
    measure();
  };
}
