// Building elements. Children are only ever nodes or text: what others wrote cannot become markup here.

type Attributes = Record<string, string | number | boolean | null>;
type Child = Node | string | null;

/** True sets an empty attribute; false and null leave it out. */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === false) continue;
    element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** Changes the text only where it differs, so that assistive technology hears of real changes alone. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Runs `work` once before the next frame. A hidden page draws no frames, and a page may be hidden while it waits
 * for one, so a timer stands by.
 */
export function beforeNextFrame(work: () => void): void {
  let done = false;
  const once = () => {
    if (done) return;
    done = true;
    clearTimeout(timer);
    cancelAnimationFrame(frame);
    work();
  };
  const timer = setTimeout(once, 250);
  const frame = requestAnimationFrame(once);
}
