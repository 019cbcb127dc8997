// Redraws the canvases in print colours before the page is printed.

/** Calls `redraw` before printing and after it. */
export function onPrint(redraw: () => void): void {
  const print = (isPrinting: boolean) => {
    document.documentElement.toggleAttribute('data-printing', isPrinting);
    redraw();
  };
  window.addEventListener('beforeprint', () => print(true));
  window.addEventListener('afterprint', () => print(false));
  // Emulated print media, as in developer tools, fire no print events.
  matchMedia('print').addEventListener('change', ({ matches }) => print(matches));
}
