// The width of texts in one font, without a layout of the page.

/** How many widths are remembered. Most labels repeat; a count is new now and then. */
const MAX_WIDTHS = 200;

/** `font` is a CSS font without its weight. Returns a function that measures texts, in pixels. */
export function createMeasure(font: string): (text: string, isBold: boolean) => number {
  const context = document.createElement('canvas').getContext('2d');
  const widths = new Map<string, number>();
  return (text, isBold) => {
    const weighted = `${isBold ? 700 : 400} ${font}`;
    const key = `${weighted} ${text}`;
    const known = widths.get(key);
    if (known !== undefined || context === null) return known ?? 0;
    if (widths.size >= MAX_WIDTHS) widths.clear();
    context.font = weighted;
    const { width } = context.measureText(text);
    widths.set(key, width);
    return width;
  };
}
