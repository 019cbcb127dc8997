// Three large numbers of a lane, with bars on one scale for all lanes.

import type { Comparison, LaneFigures } from '../lab/comparison.ts';
import { formatCount, formatMilliseconds } from '../i18n/format.ts';
import { strings } from '../i18n/index.ts';
import { h, setText } from './dom.ts';

type GlanceMeasure = 'requests' | 'wire_bytes' | 'delay_ms';

interface GlanceFigure {
  value: number | null;
  /** The wasted part of `value`. */
  waste: number;
  figure: string;
  caption: string;
}

const SHOW: Record<GlanceMeasure, (figures: LaneFigures) => GlanceFigure> = {
  requests: ({ requests, empty }) => ({
    value: requests,
    waste: empty,
    figure: formatCount(requests),
    caption: strings.glance.requests(requests, empty),
  }),
  wire_bytes: ({ wire_bytes, overhead_bytes }) => ({
    value: wire_bytes,
    waste: overhead_bytes,
    figure: formatCount(wire_bytes),
    caption: strings.glance.wire_bytes(wire_bytes === 0 ? null : overhead_bytes / wire_bytes),
  }),
  delay_ms: ({ delay_ms, waiting }) => ({
    value: delay_ms,
    waste: 0,
    figure: delay_ms === null ? strings.noFigure : formatMilliseconds(delay_ms),
    caption: strings.glance.delay_ms(waiting),
  }),
};

const MEASURES = Object.keys(SHOW) as GlanceMeasure[];

/** Space for this many characters is always kept, so that the numbers rarely change their size. */
const MIN_CHARACTERS: Record<GlanceMeasure, number> = { requests: 6, wire_bytes: 6, delay_ms: 8 };

export class GlanceView {
  readonly element: HTMLElement;
  readonly #cells: Record<GlanceMeasure, { figure: Element; caption: Element; bar: HTMLElement }>;

  constructor() {
    const cell = () => ({
      figure: h('dd', { class: 'glance-figure' }, strings.noFigure),
      caption: h('dt', { class: 'glance-caption' }),
      bar: h('div', { class: 'glance-bar', 'aria-hidden': 'true' }),
    });
    this.#cells = { requests: cell(), wire_bytes: cell(), delay_ms: cell() };
    this.element = h(
      'div',
      { class: 'glance', role: 'group', 'aria-label': strings.glance.name },
      ...MEASURES.map((measure) => {
        const { figure, caption, bar } = this.#cells[measure];
        return h('dl', { 'data-measure': measure }, caption, figure, h('div', {}, bar));
      }),
    );
    this.#cells.wire_bytes.caption.setAttribute('title', strings.glance.overheadExplained);
    this.show(null, { requests: 0, wire_bytes: 0, delay_ms: 0 }, 0);
    this.divide(MIN_CHARACTERS);
  }

  countCharacters(measure: GlanceMeasure): number {
    return this.#cells[measure].figure.textContent?.length ?? 0;
  }

  /** Makes each number's column as wide as `characters` need, relative to the others. */
  divide(characters: Record<GlanceMeasure, number>): void {
    const counts = MEASURES.map((measure) => characters[measure]);
    this.element.style.setProperty('--columns', counts.map((count) => `minmax(0, ${count}fr)`).join(' '));
    this.element.style.setProperty('--characters', String(counts.reduce((sum, count) => sum + count)));
  }

  /**
   * `scale` has the maximum of each measure over all lanes. Messages may be `waiting` although there are no figures yet.
   */
  show(figures: LaneFigures | null, scale: Record<GlanceMeasure, number>, waiting: number): void {
    for (const measure of MEASURES) {
      const { figure, caption, bar } = this.#cells[measure];
      const shown = SHOW[measure](
        figures ?? {
          transport: 'poll',
          requests: 0,
          empty: 0,
          wire_bytes: 0,
          overhead_bytes: 0,
          delay_ms: null,
          waiting,
        },
      );
      setText(figure, figures === null ? strings.noFigure : shown.figure);
      setText(caption, shown.caption);
      const value = shown.value ?? 0;
      const of = (part: number, whole: number) => (whole === 0 ? 0 : (100 * part) / whole).toFixed(2);
      bar.style.setProperty('--of-scale', `${of(value, scale[measure])}%`);
      bar.style.setProperty('--waste', `${of(shown.waste, value)}%`);
    }
  }
}

/** Draws all lanes' figures on one scale and in one size. */
export function showGlances(glances: readonly GlanceView[], comparison: Comparison): void {
  const all = glances.map((_, at) => comparison.getFigures(at));
  const findMax = (measure: GlanceMeasure) => Math.max(0, ...all.map((figures) => figures?.[measure] ?? 0));
  const scale = {
    requests: findMax('requests'),
    wire_bytes: findMax('wire_bytes'),
    delay_ms: findMax('delay_ms'),
  };
  glances.forEach((glance, at) => glance.show(all[at] ?? null, scale, comparison.countMissing(at)));
  const findLongest = (measure: GlanceMeasure) =>
    Math.max(MIN_CHARACTERS[measure], ...glances.map((glance) => glance.countCharacters(measure)));
  const characters = {
    requests: findLongest('requests'),
    wire_bytes: findLongest('wire_bytes'),
    delay_ms: findLongest('delay_ms'),
  };
  for (const glance of glances) glance.divide(characters);
}
