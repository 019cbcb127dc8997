// Detects an Enter that ends the composition of an input method and must not send.
//
// Most browsers send that Enter during the composition. Safari sends it after the end of the composition, with the
// key code of a processed key. Other orders occur, so an Enter immediately after the end counts too. Android's
// keyboards end a composition before every Enter, even before one that should send.

/** The `keyCode` of a key that an input method has processed. */
const PROCESSED = 229;
/** An Enter this soon after the end of a composition ended it. */
const SAME_KEY_MS = 100;

/** Returns a function that tells whether an Enter in `field` belongs to the input method. */
export function watchInputMethod(field: HTMLElement): (event: KeyboardEvent) => boolean {
  const ignoresEnd = /Android/.test(navigator.userAgent);
  let hasJustEnded = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const forget = () => {
    clearTimeout(timer);
    hasJustEnded = false;
  };
  field.addEventListener('compositionend', () => {
    forget();
    if (ignoresEnd) return;
    hasJustEnded = true;
    timer = setTimeout(forget, SAME_KEY_MS);
  });
  field.addEventListener('keyup', forget);
  return ({ isComposing, keyCode }) => isComposing || keyCode === PROCESSED || hasJustEnded;
}
