// The shape of a row: an arrow from one lifeline to the other, a band of arrows, or a mark.

import type { RowStyle, DiagramRow } from '../../lab/diagram/rows.ts';
import { svg } from './svg.ts';
import { fitLabel, type FittedLabel } from './label-fit.ts';
import { formatGapLabel, formatRowLabels, describeRow, formatWaitLabel } from './sentences.ts';

/** Where the two lifelines are. */
export interface Lifelines {
  browser: number;
  server: number;
}

/** The geometry that an arrow is drawn with. */
export interface Scale {
  lifelines: Lifelines;
  px_per_ms: number;
  /** The height of a line of text. */
  text_px: number;
  /** The width of a text in the diagram's font. */
  measure: (text: string, isBold: boolean) => number;
  /** The distance to the nearest label. */
  labelSpace_px: number;
  /** The distance to the nearest waiting time. */
  waitSpace_px: number;
}

/** The gap between an arrow's head and the lifeline. */
const SHY_PX = 5;
/** The distance of a label's middle from its arrow, in line heights. */
const LABEL_LINES = 0.52;
/** The minimum distance of two labels, in line heights. */
const LABEL_APART = 0.9;
/** The paper behind a label: its height in line heights, and how much wider it is than the text. */
const PAPER = { lines: 0.8, around_px: 4 } as const;
/** The minimum gap between a label and the lifelines. */
const LABEL_SHY_PX = 6;
/** The minimum time before an arrow that is labelled, in line heights, so that its label is clear of both arrows. */
const GAP_LINES = 3.5;
/** The maximum thickness of an arrow, which grows with its number of events. */
const MOST_PX = 4;
/** The bar beside the server's lifeline that shows how long a message waited. */
const WAIT_PX = { from: 5, width: 6 } as const;
/** The gap between the bar and its text, in line heights: if it is smaller, a short bar looks like a digit. */
const WAIT_GAP = 0.4;

/** The slant of a sample in the legend. */
const SAMPLE_SLANT_PX = 4;

const TO_SERVER: ReadonlySet<RowStyle> = new Set(['request']);
const ANSWERS: ReadonlySet<RowStyle> = new Set(['empty', 'messages', 'refused', 'head']);
const MARKS: ReadonlySet<RowStyle> = new Set([
  'opened',
  'reconnected',
  'closed',
  'published',
  'lost',
  'begun',
]);

type RowShape = Pick<DiagramRow, 'style' | 'browser_px' | 'server_px'> & { lines_px: readonly number[] };

export class Arrow {
  readonly element: SVGGElement;
  /** Its texts. In a separate group above all arrows, so that no arrow crosses the text of another. */
  readonly labels = svg('g', { class: 'words' });
  /** Behind its label and above all arrows: hides the lines that would strike the label through. */
  readonly paper = svg('rect', { class: 'label-paper' });
  readonly row: DiagramRow;
  readonly hasLabel: boolean;
  /** Whether it shows how long a message waited. */
  readonly hasWait: boolean;
  readonly #scale: Scale;
  readonly #shaft = svg('path', { class: 'shaft' });
  readonly #head = svg('path', { class: 'head' });
  readonly #body = svg('path', { class: 'body' });
  readonly #wait = svg('rect', { class: 'wait', width: WAIT_PX.width });
  readonly #text: SVGTextElement | null = null;
  readonly #waitText: SVGTextElement | null = null;

  constructor(row: DiagramRow, scale: Scale) {
    const { browser, server } = scale.lifelines;
    this.row = row;
    this.#scale = scale;
    this.element = svg(
      'g',
      {
        class: 'arrow',
        role: 'img',
        tabindex: -1,
        'data-look': row.style,
        'data-transport': row.transport,
      },
      this.#body,
      this.#shaft,
      this.#head,
    );
    this.labels.dataset['look'] = row.style;
    this.labels.dataset['transport'] = row.transport;

    const { text_px } = scale;
    this.hasLabel = scale.labelSpace_px >= LABEL_APART * text_px && fitRowLabel(row, scale) !== null;
    if (this.hasLabel) {
      this.#text = svg('text', { class: 'label', x: (browser + server) / 2 });
      this.labels.append(this.#text);
    }
    const gap = formatGapLabel(row);
    const gap_px = gap === null ? 0 : gap.ms * scale.px_per_ms;
    if (gap !== null && gap_px >= GAP_LINES * text_px && scale.measure(gap.text, false) <= server - browser)
      // In the middle of the time that it names.
      this.labels.append(
        svg('text', { class: 'gap-label', x: (browser + server) / 2, y: -gap_px / 2 }, gap.text),
      );
    this.hasWait = row.style === 'published' && scale.waitSpace_px >= 1.05 * text_px;
    if (row.style === 'published') {
      this.#wait.setAttribute('x', String(server + WAIT_PX.from));
      this.element.prepend(this.#wait);
    }
    if (this.hasWait) {
      this.#waitText = svg('text', {
        class: 'wait-label',
        x: server + WAIT_PX.from + WAIT_PX.width + WAIT_GAP * text_px,
        y: 0,
      });
      this.labels.append(this.#waitText);
    }
    this.update();
  }

  /** The distance of a point from the arrow; `y_px` is relative to the beginning of the row. */
  distance(x_px: number, y_px: number): number {
    const { style, browser_px, server_px, from_ms, to_ms } = this.row;
    const { browser, server } = this.#scale.lifelines;
    if (style === 'published') return Math.hypot(x_px - server, y_px);
    const way = Math.min(1, Math.max(0, (x_px - browser) / (server - browser)));
    const first_px = browser_px + (server_px - browser_px) * way;
    const last_px = first_px + (to_ms - from_ms) * this.#scale.px_per_ms;
    return Math.max(0, first_px - y_px, y_px - last_px);
  }

  /** Redraws the arrow after its row has changed. */
  update(): void {
    const { row, element } = this;
    const { lifelines, px_per_ms } = this.#scale;
    element.setAttribute('aria-label', describeRow(row));
    element.dataset['count'] = String(row.count);
    element.dataset['messages'] = String(row.messages);
    const several = isBand(row);
    element.classList.toggle('band', several);
    const lines_px = several ? row.times_ms.map((ms) => (ms - row.from_ms) * px_per_ms) : [0];
    const { shaft, head, body } = computeShape({ ...row, lines_px }, lifelines);
    this.#shaft.setAttribute('d', shaft);
    this.#head.setAttribute('d', head);
    this.#body.setAttribute('d', body);
    const weight = several ? 1 : Math.min(MOST_PX, 1 + Math.log2(row.count) * 0.5);
    element.style.setProperty('--weight', String(weight));
    this.#updateLabel();
    const wait_px = row.wait_ms * px_per_ms;
    this.#wait.setAttribute('height', wait_px.toFixed(1));
    if (this.#waitText === null) return;
    this.#waitText.textContent = formatWaitLabel(row);
    this.#waitText.setAttribute('y', (wait_px / 2).toFixed(1));
  }

  #updateLabel(): void {
    const { row } = this;
    if (this.#text === null) return;
    // With a larger number it may no longer fit; the former number would be wrong.
    const label = fitRowLabel(row, this.#scale);
    const { text, scale } = label ?? { text: '', scale: 1 };
    const { lifelines, text_px, measure } = this.#scale;
    if (this.#text.textContent !== text) this.#text.textContent = text;
    this.#text.style.setProperty('--scale', scale.toFixed(3));
    const y_px = computeLabelY(row, this.#scale);
    this.#text.setAttribute('y', y_px.toFixed(1));
    const width_px = label === null ? 0 : scale * measure(text, isBold(row)) + 2 * PAPER.around_px;
    const height_px = PAPER.lines * text_px;
    this.paper.setAttribute('x', ((lifelines.browser + lifelines.server - width_px) / 2).toFixed(1));
    this.paper.setAttribute('y', (y_px - height_px / 2).toFixed(1));
    this.paper.setAttribute('width', width_px.toFixed(1));
    this.paper.setAttribute('height', height_px.toFixed(1));
  }
}

/**
 * The middle of a row's label: beside the arrow and not on it, so that nothing strikes it through. It is on the side
 * where nothing else happens at the time.
 */
export function computeLabelY(row: DiagramRow, { px_per_ms, text_px }: Pick<Scale, 'px_per_ms' | 'text_px'>) {
  const middle_px = (row.browser_px + row.server_px) / 2;
  const height_px = (row.to_ms - row.from_ms) * px_per_ms;
  // A high band has space for its label.
  if (isBand(row) && height_px >= text_px) return middle_px + height_px / 2;
  const held_px = (row.single?.after_ms ?? 0) * px_per_ms;
  const isBelow =
    row.style === 'closed' ||
    (row.style === 'request' && row.transport === 'long-poll') ||
    (ANSWERS.has(row.style) && held_px < GAP_LINES * text_px);
  return middle_px + (isBelow ? LABEL_LINES : -LABEL_LINES) * text_px;
}

/** A row's label as it fits between the lifelines; null if it has none, or none fits. */
function fitRowLabel(row: DiagramRow, { lifelines, measure }: Scale): FittedLabel | null {
  const width_px = lifelines.server - lifelines.browser - 2 * LABEL_SHY_PX;
  return fitLabel(formatRowLabels(row), width_px, (text) => measure(text, isBold(row)));
}

/** Whether its label is bold. */
function isBold({ style }: DiagramRow): boolean {
  return style === 'empty' || style === 'reconnected';
}

/** Whether several pushes are drawn as one band. */
function isBand({ style, count }: DiagramRow): boolean {
  return style === 'push' && count > 1;
}

/** An arrow without a label, for the legend. */
export function createSample(style: RowStyle, { browser, server }: Lifelines, y: number): SVGGElement {
  // The wedge of an empty answer needs a slant.
  const browser_px = style === 'empty' ? SAMPLE_SLANT_PX : 0;
  const shape: RowShape = { style, browser_px, server_px: 0, lines_px: [0] };
  const { shaft, head, body } = computeShape(shape, { browser, server });
  return svg(
    'g',
    { class: 'arrow', 'data-look': style, transform: `translate(0 ${y})` },
    svg('path', { class: 'body', d: body }),
    svg('path', { class: 'shaft', d: shaft }),
    svg('path', { class: 'head', d: head }),
  );
}

function computeShape(
  row: RowShape,
  { browser, server }: Lifelines,
): { shaft: string; head: string; body: string } {
  const { style, browser_px, server_px, lines_px } = row;
  if (style === 'published') return { shaft: '', head: circlePath(server, 0, 5), body: '' };
  if (style === 'opened' || style === 'reconnected') {
    const head = circlePath(browser, browser_px, 3) + circlePath(server, server_px, 3);
    return { shaft: `M${browser + 4} ${browser_px}H${server - 4}`, head, body: '' };
  }
  if (style === 'closed') {
    const head = crossPath(browser, browser_px) + crossPath(server, server_px);
    return { shaft: `M${browser + 5} ${browser_px}H${server - 5}`, head, body: '' };
  }
  if (MARKS.has(style)) return { shaft: `M${browser} 0H${server}`, head: '', body: '' };
  const toServer = TO_SERVER.has(style);
  const [from, to, back] = toServer ? [browser + 1, server - SHY_PX, -9] : [server - 1, browser + SHY_PX, 9];
  const [from_px, to_px] = toServer ? [browser_px, server_px] : [server_px, browser_px];
  const fall = (to_px - from_px) / (to - from);
  const line = (px: number) => `M${from} ${from_px + px}L${to + back / 2} ${to_px + px + (fall * back) / 2}`;
  const point = (px: number) => `M${to} ${to_px + px}L${to + back} ${to_px + px + fall * back - 4.5}v9z`;
  const last_px = lines_px.at(-1) ?? 0;
  // An empty answer fills the area between request and answer. A band fills the area between its lines.
  const body =
    style === 'empty'
      ? `M${browser} ${-browser_px}L${server} 0L${browser} ${browser_px}z`
      : last_px > 0
        ? `M${server} ${server_px}L${browser} ${browser_px}v${last_px}L${server} ${server_px + last_px}z`
        : '';
  return { shaft: lines_px.map(line).join(''), head: lines_px.map(point).join(''), body };
}

function circlePath(x: number, y: number, r: number): string {
  return `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`;
}

function crossPath(x: number, y: number): string {
  return `M${x - 3} ${y - 3}l6 6M${x + 3} ${y - 3}l-6 6`;
}
