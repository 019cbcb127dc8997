// Before a page is printed its canvases are drawn for light paper, whether they have been in sight or not.

/** `redraw` is called before printing, and again when the page is back on the screen. */
export function onPrint(redraw: () => void): void {
  const print = (isPrinting: boolean) => {
    document.documentElement.toggleAttribute('data-printing', isPrinting);
    redraw();
  };
  window.addEventListener('beforeprint', () => print(true));
  window.addEventListener('afterprint', () => print(false));
  // Where a page is only shown as it would be printed there is no event.
  matchMedia('print').addEventListener('change', ({ matches }) => print(matches));
}
