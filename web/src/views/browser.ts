// Wrappers of browser features that may be missing or refuse. The page works without each of them.

/** Returns whether it succeeded. Browsers refuse in an insecure context, and without permission or focus. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** Replaces the address. Browsers refuse in some embedded pages, and if it is called too often. */
export function replaceAddress(href: string): void {
  try {
    history.replaceState(null, '', href);
  } catch {
    // The address only serves to share the page.
  }
}

/** Sets a parameter of the address; null removes it. */
export function putParameter(name: string, value: string | null): void {
  const address = new URL(location.href);
  if (value === null) address.searchParams.delete(name);
  else address.searchParams.set(name, value);
  replaceAddress(address.href);
}

/** Acts now, or as soon as a page that was opened in the background is visible. */
export function whenVisible(act: () => void): void {
  if (!document.hidden) return act();
  document.addEventListener('visibilitychange', () => whenVisible(act), { once: true });
}

/** Reports whether `element` is in the viewport; always true without an IntersectionObserver. */
export function watchVisibility(
  element: Element,
  report: (isInView: boolean) => void,
  options: IntersectionObserverInit = {},
): void {
  try {
    new IntersectionObserver((entries) => report(entries.at(-1)?.isIntersecting ?? true), options).observe(
      element,
    );
  } catch {
    report(true);
  }
}

/** Calls `resized` when `elements` get a size or change it. Returns a function that adds an element. */
export function watchSize(elements: readonly Element[], resized: () => void): (more: Element) => void {
  try {
    const observer = new ResizeObserver(() => resized());
    for (const element of elements) observer.observe(element);
    return (more) => observer.observe(more);
  } catch {
    addEventListener('resize', resized);
    requestAnimationFrame(resized);
    return () => {};
  }
}
