// A chart over time, with a line for each lane and transport, ticks for messages, and pauses.

import { formatCount, formatTimeOfDay } from '../../i18n/format.ts';
import { strings } from '../../i18n/index.ts';
import { h, setText } from '../dom.ts';
import type { Columns, PlotLineKey } from '../../lab/plots/columns.ts';
import { DASHES, readPalette, type Palette } from './palette.ts';
import { Plot, type PlotData, computeRoundTicks } from './plot.ts';
import type { PlotMeasure, PlotStore } from '../../lab/plots/store.ts';

const AXIS_PX = 58;
/** The height of a chart, and of the time axis below the last one. */
const HEIGHT_PX = 112;
const TIMES_PX = 26;
const TICK_PX = 7;
const TIME_STEPS_S = [5, 10, 15, 30, 60, 120, 300];
const TIME_SPACE_PX = 90;
const VALUE_SPACE_PX = 32;
const POINTER_GROUP = new Set<Plot>();
/** The minimum range of the value axis, so that tiny values do not look large. */
const MIN_RANGE: Record<PlotMeasure, number> = { requests: 1, wire_bytes: 10, delay_ms: 10 };

export interface TimeChartOptions {
  measure: PlotMeasure;
  columns: Columns;
  store: PlotStore;
  window_s: number;
  /** Whether to draw the time axis. */
  withTimes: boolean;
  nameOf(line: PlotLineKey): string;
  /** Whether the line has rings, to distinguish it from another lane's line of the same transport. */
  hasRings(line: PlotLineKey): boolean;
}

export class TimeChart {
  readonly element: HTMLElement;
  readonly #options: TimeChartOptions;
  readonly #holder = h('div', { class: 'plot-canvas', role: 'img' });
  readonly #values = h('span', { class: 'plot-values' });
  #palette: Palette | null = null;
  #plot: Plot | null = null;
  #now_s = 0;

  constructor(options: TimeChartOptions) {
    this.#options = options;
    const { plots } = strings;
    const name = plots.measures[options.measure];
    this.#holder.setAttribute('aria-label', plots.chart(name));
    this.element = h(
      'div',
      { class: 'plot', 'data-measure': options.measure },
      h('p', { class: 'plot-title' }, h('span', {}, name), this.#values),
      this.#holder,
    );
  }

  draw(now_s: number): void {
    const { columns, store } = this.#options;
    columns.fill(store);
    this.#now_s = now_s;
    this.#plot ??= this.#createPlot();
    this.#plot.setData(columns.data as PlotData);
  }

  resize(width: number): void {
    this.#plot?.resize(width);
  }

  /** Call when the colour scheme has changed. */
  restyle(): void {
    this.#palette = null;
    this.#plot?.redraw();
  }

  /** Null until it has been drawn. */
  get picture(): { name: string; canvas: HTMLCanvasElement } | null {
    if (this.#plot === null) return null;
    return { name: strings.plots.measures[this.#options.measure], canvas: this.#plot.element };
  }

  destroy(): void {
    this.#plot?.destroy();
    this.#plot = null;
  }

  get #height(): number {
    return HEIGHT_PX + (this.#options.withTimes ? TIMES_PX : 0);
  }

  get #colours(): Palette {
    return (this.#palette ??= readPalette(this.element));
  }

  #createPlot(): Plot {
    const { columns, measure, withTimes, hasRings, window_s } = this.#options;
    const plot = new Plot({
      height_px: this.#height,
      padding_px: { top: 8, right: 32 },
      x: {
        size_px: withTimes ? TIMES_PX : 6,
        range: () => [this.#now_s - window_s, this.#now_s],
        ticks: (from, to, length_px) => computeRoundTicks(from, to, length_px, TIME_SPACE_PX, TIME_STEPS_S),
        formatTick: (s) => (withTimes ? formatTimeOfDay(new Date(s * 1_000).toISOString()) : ''),
      },
      y: {
        size_px: AXIS_PX,
        range: (_least, most) => [0, Math.max(most * 1.12, MIN_RANGE[measure])],
        ticks: (from, to, length_px) => computeRoundTicks(from, to, length_px, VALUE_SPACE_PX),
        formatTick: (value) => this.#formatValue(value),
      },
      lines: columns.lines.map((line) => ({
        colour: ({ transports }) => transports[line.transport],
        width_px: 2,
        dash: DASHES[line.transport],
        // Delays are separate values without a line between them. A rate holds for its whole step.
        shape: measure === 'delay_ms' ? 'dots' : 'steps',
        hasRings: () => hasRings(line),
      })),
      palette: () => this.#colours,
      background: (plot) => this.#background(plot),
      onPoint: (index) => this.#showValues(index),
      group: POINTER_GROUP,
    });
    this.#holder.append(plot.element);
    plot.resize(Math.max(this.#holder.clientWidth, 1));
    return plot;
  }

  #formatValue(value: number): string {
    const { plots } = strings;
    if (this.#options.measure !== 'delay_ms') return formatCount(Math.round(value * 100) / 100);
    return value >= 1_000
      ? plots.seconds(formatCount(Math.round(value / 10) / 100))
      : plots.milliseconds(formatCount(Math.round(value)));
  }

  /** Draws the pauses, and ticks for published messages. */
  #background(plot: Plot): void {
    const { context, area } = plot;
    const { store } = this.#options;
    const { sunk, soft, font } = this.#colours;
    context.font = font;
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    for (const { from_s, to_s } of store.pauses) {
      const from = Math.max(plot.x(from_s), area.left);
      const to = Math.min(plot.x(to_s), area.left + area.width);
      if (to <= from) continue;
      context.fillStyle = sunk;
      context.fillRect(from, area.top, to - from, area.height);
      const text = strings.plots.rested;
      const middle = (from + to) / 2;
      context.fillStyle = soft;
      if (context.measureText(text).width + 12 <= to - from)
        context.fillText(text, middle, area.top + area.height / 2);
      // Without space for the words, draw a pause sign.
      else for (const side of [-3, 1]) context.fillRect(middle + side, area.top, 2, 9);
    }
    const bottom = area.top + area.height;
    context.fillStyle = soft;
    store.messages.forEach((messages, index) => {
      if (messages === null) return;
      context.fillRect(Math.round(plot.x((store.times[index] ?? 0) + 0.5)), bottom - TICK_PX, 1, TICK_PX);
    });
  }

  /** Shows the values at the pointer. */
  #showValues(index: number | null): void {
    const { columns, nameOf } = this.#options;
    const [, ...values] = columns.data;
    const texts = columns.lines.flatMap((line, at) => {
      const value = index === null ? null : values[at]?.[index];
      return value === null || value === undefined ? [] : [`${nameOf(line)} ${this.#formatValue(value)}`];
    });
    setText(this.#values, texts.join(' · '));
  }
}
