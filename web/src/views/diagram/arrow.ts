// The shape of a row: an arrow from one lifeline to the other, or a mark.

import { count } from '../../i18n/format.ts';
import type { RowStyle, Row } from '../../lab/diagram/rows.ts';
import { svg } from './svg.ts';
import { gapLabel, label, rowSentence } from './sentences.ts';

/** Where the two lifelines are, and the picture's right edge. */
export interface Lifelines {
  browser: number;
  server: number;
}

/** How far an arrow stays from the lifeline it points at. */
const SHY_PX = 5;
/** An arrow that stands for several is thicker, up to this. */
const MOST_PX = 4;
/** A label needs this much above it. */
export const LABEL_PX = 13;
/** A gap that is labelled needs this much: the exchange before it, and the label. */
const GAP_PX = 22;

const TO_SERVER: ReadonlySet<RowStyle> = new Set(['request']);
const MARKS: ReadonlySet<RowStyle> = new Set([
  'opened',
  'reconnected',
  'closed',
  'published',
  'lost',
  'begun',
]);

export class Arrow {
  readonly element: SVGGElement;
  /** What is written on it and before it. Apart, as no arrow may run through what is written on another. */
  readonly words = svg('g', { class: 'words' });
  readonly row: Row;
  readonly hasLabel: boolean;
  readonly #lifelines: Lifelines;
  readonly #shaft: SVGPathElement;
  readonly #text: SVGTextElement | null = null;

  constructor(row: Row, lifelines: Lifelines, room_px: number, px_per_ms: number) {
    const { browser, server } = lifelines;
    this.row = row;
    this.#lifelines = lifelines;
    const middle = (browser + server) / 2;
    const { shaft, head } = shape(row, browser, server);
    this.#shaft = svg('path', { class: 'shaft', d: shaft });
    this.element = svg(
      'g',
      {
        class: 'arrow',
        role: 'img',
        tabindex: -1,
        'data-look': row.style,
        'data-transport': row.transport,
      },
      this.#shaft,
      svg('path', { class: 'head', d: head }),
    );

    const words = label(row);
    this.hasLabel = words !== null && room_px >= LABEL_PX;
    if (this.hasLabel) {
      // On the arrow itself, which makes way for it.
      this.#text = svg('text', { class: 'label', x: middle, y: row.slant_px / 2 + 4 });
      this.words.append(this.#text);
    }
    const gap = gapLabel(row);
    const gap_px = gap === null ? 0 : gap.ms * px_per_ms;
    if (gap !== null && gap_px >= GAP_PX) {
      // Just before its end: at its beginning are the last arrows of what was before.
      this.words.append(svg('text', { class: 'gap-label', x: browser + 16, y: -4 }, gap.text));
    }
    this.words.dataset['look'] = row.style;
    this.update();
  }

  /** How far a point is from it; `y_px` is from where the arrow begins. What is only a point is near only there. */
  distance(x_px: number, y_px: number): number {
    const { style, slant_px } = this.row;
    const { browser, server } = this.#lifelines;
    if (style === 'published') return Math.hypot(x_px - server, y_px);
    if (MARKS.has(style)) return Math.abs(y_px);
    const way = Math.min(1, Math.max(0, (x_px - browser) / (server - browser)));
    return Math.abs(y_px - slant_px * (TO_SERVER.has(style) ? way : 1 - way));
  }

  /** The row has come to stand for more. */
  update(): void {
    const { row, element } = this;
    element.setAttribute('aria-label', rowSentence(row));
    element.dataset['count'] = String(row.count);
    element.dataset['messages'] = String(row.messages);
    const weight = Math.min(MOST_PX, 1.5 + Math.log2(row.count) * 0.5);
    this.#shaft.style.strokeWidth = `${weight}px`;
    if (this.#text !== null) {
      const words = label(row) ?? '';
      const several = row.count > 1 && row.messages === 0 ? `${words} ×${count(row.count)}` : words;
      if (this.#text.textContent !== several) this.#text.textContent = several;
    }
  }
}

/** The sign alone, for the key. */
export function sampleOf(style: RowStyle, { browser, server }: Lifelines, y: number): SVGGElement {
  const { shaft, head } = shape({ style, slant_px: 0 }, browser, server);
  return svg(
    'g',
    { class: 'arrow', 'data-look': style, transform: `translate(0 ${y})` },
    svg('path', { class: 'shaft', d: shaft }),
    svg('path', { class: 'head', d: head }),
  );
}

type Shaped = Pick<Row, 'style' | 'slant_px'>;

function shape(
  { style, slant_px }: Shaped,
  browser: number,
  server: number,
): { shaft: string; head: string } {
  if (style === 'published') return { shaft: '', head: circle(server, 0, 4) };
  if (style === 'opened' || style === 'reconnected') {
    return { shaft: `M${browser + 4} 0H${server - 4}`, head: circle(browser, 0, 3) + circle(server, 0, 3) };
  }
  if (style === 'closed') {
    return { shaft: `M${browser + 5} 0H${server - 5}`, head: cross(browser) + cross(server) };
  }
  if (MARKS.has(style)) return { shaft: `M${browser} 0H${server}`, head: '' };
  const [from, to, back] = TO_SERVER.has(style)
    ? [browser + 1, server - SHY_PX, -7]
    : [server - 1, browser + SHY_PX, 7];
  return {
    shaft: `M${from} 0L${to + back / 2} ${slant_px}`,
    head: `M${to} ${slant_px}l${back} -3.5v7z`,
  };
}

function circle(x: number, y: number, r: number): string {
  return `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`;
}

function cross(x: number): string {
  return `M${x - 3} -3l6 6M${x + 3} -3l-6 6`;
}
