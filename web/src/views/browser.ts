// Browser features that may be missing or refuse. The page works without each of them.

/** Whether the text is on the clipboard. Browsers refuse without a secure context, permission or focus. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** Puts `href` into the address bar. Refused in some embedded pages, and if called too often. */
export function replaceAddress(href: string): void {
  try {
    history.replaceState(null, '', href);
  } catch {
    // The address only serves to share the page as it is.
  }
}

/** Puts one parameter into the address, or takes it out. */
export function putParameter(name: string, value: string | null): void {
  const address = new URL(location.href);
  if (value === null) address.searchParams.delete(name);
  else address.searchParams.set(name, value);
  replaceAddress(address.href);
}

/** Reports whether `element` is in sight. A browser that cannot say counts it as in sight. */
export function watchVisibility(
  element: Element,
  report: (isInSight: boolean) => void,
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

/** Calls `resized` once `element` has a size and whenever that changes; without an observer, with the window. */
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
