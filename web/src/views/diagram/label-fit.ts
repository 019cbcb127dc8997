// Fits a label between the lifelines: by smaller type, or by a shorter text.

/** A shorter text is better than type below the first scale; type down to the second is better than no text. */
const MIN_SCALES = [0.9, 0.7];

export interface FittedLabel {
  text: string;
  /** Of its type, up to 1. */
  scale: number;
}

/** The first of `texts`, longest first, that fits into `width_px` in almost its usual type, or else in small type. */
export function fitLabel(
  texts: readonly string[],
  width_px: number,
  measure: (text: string) => number,
): FittedLabel | null {
  const all = texts.map((text) => ({ text, scale: Math.min(1, width_px / measure(text)) }));
  for (const min of MIN_SCALES) {
    const first = all.find(({ scale }) => scale >= min);
    if (first !== undefined) return first;
  }
  return null;
}
