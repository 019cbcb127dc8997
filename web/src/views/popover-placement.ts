// Places a popover beside its target.

const EDGE_PX = 12;

type Box = Pick<DOMRect, 'left' | 'top' | 'right' | 'bottom'>;

/** Chooses the place within the window that covers least of `target` and of `avoided`; by preference below `target`. */
export function placePopover(card: HTMLElement, target: Element, avoided: readonly Element[]): void {
  const { offsetWidth: width, offsetHeight: height, style } = card;
  const { left, top, right, bottom } = target.getBoundingClientRect();
  const lasts = { x: innerWidth - width - EDGE_PX, y: innerHeight - height - EDGE_PX };
  const within = (px: number, last: number) => Math.max(EDGE_PX, Math.min(px, last));
  const places = [
    [left, bottom + EDGE_PX],
    [right - width, bottom + EDGE_PX],
    [left, top - EDGE_PX - height],
    [right - width, top - EDGE_PX - height],
    [right + EDGE_PX, top],
    [left - EDGE_PX - width, top],
    [EDGE_PX, lasts.y],
    [lasts.x, lasts.y],
    [EDGE_PX, EDGE_PX],
  ].map(([x = 0, y = 0]) => ({ x: within(x, lasts.x), y: within(y, lasts.y) }));
  // Covering the target counts four times as much.
  const boxes = [target, target, target, target, ...avoided].map((each) => each.getBoundingClientRect());
  let best = { x: EDGE_PX, y: EDGE_PX };
  let min_covered = Infinity;
  for (const { x, y } of places) {
    const here = { left: x, top: y, right: x + width, bottom: y + height };
    const covered = boxes.reduce((sum, box) => sum + computeOverlap(here, box), 0);
    if (covered < min_covered) [best, min_covered] = [{ x, y }, covered];
  }
  style.left = `${best.x}px`;
  style.top = `${best.y}px`;
}

function computeOverlap(one: Box, other: Box): number {
  const across = Math.min(one.right, other.right) - Math.max(one.left, other.left);
  const down = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
  return Math.max(0, across) * Math.max(0, down);
}
