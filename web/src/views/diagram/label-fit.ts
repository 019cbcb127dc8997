// Fits a label between the lifelines: by smaller type, or by a shorter text.

/** Smaller type would not be readable. */
const MIN_SCALE = 0.7;

export interface FittedLabel {
  text: string;
  /** Of its type, up to 1. */
  scale: number;
}

/** The first of `texts`, longest first, that fits into `width_px`; null if none does. */
export function fitLabel(
  texts: readonly string[],
  width_px: number,
  measure: (text: string) => number,
): FittedLabel | null {
  for (const text of texts) {
    const scale = Math.min(1, width_px / measure(text));
    if (scale >= MIN_SCALE) return { text, scale };
  }
  return null;
}
