// Builds elements. Children are nodes or text, never markup, so text of others cannot inject elements.

type Attributes = Record<string, string | number | boolean | null>;
type Child = Node | string | null;

/** A character that no sentence has. */
const NAME_MARK = '\ufffc';

/** Creates an element. True sets an empty attribute; false and null omit it. */
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

/** A sentence about `name`, which may be written in the other direction without reordering the sentence. */
export function isolate(sentence: (name: string) => string, name: string): (Node | string)[] {
  const [before = '', after = ''] = sentence(NAME_MARK).split(NAME_MARK);
  return [before, h('bdi', {}, name), after];
}

/** Sets the text only if it differs, so that live regions announce only real changes. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Runs `work` once before the next frame, or by a timer, as a hidden page has no frames. */
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
