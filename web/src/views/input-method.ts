// Whether an Enter belongs to an input method, which ends a composition with it.
//
// Most browsers send that Enter during the composition. Safari sends it after the end of the composition, with the key
// code of a processed key; other orders have been seen, so an Enter that follows the end at once counts too. Android's
// keyboards end a composition before every Enter, also before one that is meant to send.

/** The key code of a key that an input method has processed. */
const PROCESSED = 229;
/** An Enter this soon after the end of a composition is the one that ended it. */
const SAME_KEY_MS = 100;

/** Watches a field; the function it returns tells whether a pressed Enter is the input method's. */
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
