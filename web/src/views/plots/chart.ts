// One plot: a line for each lane and transport, the messages marked, and the times in which it rested.

import uPlot from 'uplot';
import { count, timeOfDay } from '../../i18n/format.ts';
import { strings } from '../../i18n/index.ts';
import { h, setText } from '../dom.ts';
import type { Columns, Line } from '../../lab/plots/columns.ts';
import { DASHES, palette, type Palette } from './palette.ts';
import type { Measure, PlotStore } from '../../lab/plots/store.ts';

const AXIS_PX = 58;
/** A plot's height, and what its times add below the last one. */
const HEIGHT_PX = 112;
const TIMES_PX = 26;
const TICK_PX = 7;
/** A plot reaches at least so high, so that next to nothing is not drawn as much. */
const LEAST: Record<Measure, number> = { requests: 1, wire_bytes: 10, delay_ms: 10 };

export interface ChartOptions {
  measure: Measure;
  columns: Columns;
  store: PlotStore;
  window_s: number;
  /** Written under the plot. */
  withTimes: boolean;
  /** What a line is called. */
  nameOf(line: Line): string;
  /** Whether it is another lane's line of the same transport that has none: then this one has rings. */
  isRinged(line: Line): boolean;
}

export class Chart {
  readonly element: HTMLElement;
  readonly #options: ChartOptions;
  readonly #holder = h('div', { class: 'plot-canvas', role: 'img' });
  readonly #values = h('span', { class: 'plot-values' });
  #palette: Palette | null = null;
  #plot: uPlot | null = null;

  constructor(options: ChartOptions) {
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

  /** Draws what the store has now. */
  draw(now_s: number): void {
    const { columns, store, window_s } = this.#options;
    columns.fill(store);
    const plot = (this.#plot ??= this.#make());
    plot.batch(() => {
      plot.setData(columns.data as unknown as uPlot.AlignedData, false);
      plot.setScale('x', { min: now_s - window_s, max: now_s });
    });
    this.#read(plot);
  }

  resize(width: number): void {
    this.#plot?.setSize({ width, height: this.#height });
  }

  /** Light has become dark, or the other way round. */
  restyle(): void {
    this.#palette = null;
    this.#plot?.redraw(false);
  }

  /** Null until it has been drawn. */
  get picture(): { name: string; canvas: HTMLCanvasElement } | null {
    if (this.#plot === null) return null;
    return { name: strings.plots.measures[this.#options.measure], canvas: this.#plot.ctx.canvas };
  }

  end(): void {
    this.#plot?.destroy();
    this.#plot = null;
  }

  get #height(): number {
    return HEIGHT_PX + (this.#options.withTimes ? TIMES_PX : 0);
  }

  get #colours(): Palette {
    return (this.#palette ??= palette(this.element));
  }

  #make(): uPlot {
    const { columns, measure, withTimes, isRinged } = this.#options;
    const colours = () => this.#colours;
    const axis = { stroke: () => colours().soft, font: colours().font, ticks: { show: false } };
    const options: uPlot.Options = {
      width: Math.max(this.#holder.clientWidth, 1),
      height: this.#height,
      padding: [8, 32, withTimes ? 0 : 6, 0],
      legend: { show: false },
      cursor: {
        drag: { x: false, y: false },
        y: false,
        points: { size: 6 },
        sync: { key: 'plots', scales: ['x', null] },
      },
      scales: {
        x: { time: false },
        y: { range: (_plot, _min, max) => [0, Math.max((max ?? 0) * 1.12, LEAST[measure])] },
      },
      axes: [
        {
          ...axis,
          show: withTimes,
          size: TIMES_PX,
          grid: { stroke: () => colours().rule, width: 1 },
          space: 90,
          incrs: [5, 10, 15, 30, 60, 120, 300],
          values: (_plot, times) => times.map((s) => timeOfDay(new Date(s * 1_000).toISOString())),
        },
        {
          ...axis,
          size: AXIS_PX,
          space: 32,
          grid: { stroke: () => colours().rule, width: 1 },
          values: (_plot, values) => values.map((value) => this.#word(value)),
        },
      ],
      series: [
        {},
        ...columns.lines.map((line): uPlot.Series => {
          const { transport } = line;
          const colour = () => colours().transports[transport];
          const dots = measure === 'delay_ms';
          return {
            stroke: colour,
            width: 2,
            dash: DASHES[transport],
            cap: transport === 'poll' ? 'round' : 'butt',
            // Delays are single things; a line between them would be made up.
            paths: dots ? () => null : uPlot.paths.linear!(),
            points: {
              show: () => dots || isRinged(line),
              size: 6,
              stroke: colour,
              fill: () => (isRinged(line) ? colours().paper : colour()),
              width: 1.5,
            },
          };
        }),
      ],
      hooks: {
        drawClear: [(plot) => this.#background(plot)],
        setCursor: [(plot) => this.#read(plot)],
      },
    };
    return new uPlot(options, columns.data as unknown as uPlot.AlignedData, this.#holder);
  }

  #word(value: number): string {
    const { plots } = strings;
    if (this.#options.measure !== 'delay_ms') return count(Math.round(value * 100) / 100);
    return value >= 1_000
      ? plots.seconds(count(Math.round(value / 10) / 100))
      : plots.milliseconds(count(Math.round(value)));
  }

  /** Where it rested, and when messages were published. */
  #background(plot: uPlot): void {
    const { ctx, bbox } = plot;
    const { store } = this.#options;
    const colours = this.#colours;
    const ratio = uPlot.pxRatio;
    const x = (s: number) => plot.valToPos(s, 'x', true);
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.font = colours.font.replace('12px', `${12 * ratio}px`);
    ctx.textAlign = 'center';
    ctx.textBaseline = 'middle';
    for (const { from_s, to_s } of store.pauses) {
      const [from, to] = [Math.max(x(from_s), bbox.left), Math.min(x(to_s), bbox.left + bbox.width)];
      if (to <= from) continue;
      ctx.fillStyle = colours.sunk;
      ctx.fillRect(from, bbox.top, to - from, bbox.height);
      const words = strings.plots.rested;
      const middle = (from + to) / 2;
      ctx.fillStyle = colours.soft;
      if (ctx.measureText(words).width + 12 * ratio <= to - from)
        ctx.fillText(words, middle, bbox.top + bbox.height / 2);
      // Where there is no room for words, the sign for it.
      else for (const side of [-3, 1]) ctx.fillRect(middle + side * ratio, bbox.top, 2 * ratio, 9 * ratio);
    }
    const bottom = bbox.top + bbox.height;
    ctx.fillStyle = colours.soft;
    store.messages.forEach((messages, index) => {
      if (messages === null) return;
      const at = x((store.times[index] ?? 0) + 0.5);
      ctx.fillRect(Math.round(at), bottom - TICK_PX * ratio, Math.max(1, ratio), TICK_PX * ratio);
    });
    ctx.restore();
  }

  /** What the lines say where the pointer is. */
  #read(plot: uPlot): void {
    const { columns, nameOf } = this.#options;
    const { idx } = plot.cursor;
    const [, ...values] = columns.data;
    const said = columns.lines.flatMap((line, index) => {
      const value = idx === null || idx === undefined ? null : values[index]?.[idx];
      return value === null || value === undefined ? [] : [`${nameOf(line)} ${this.#word(value)}`];
    });
    setText(this.#values, said.join(' · '));
  }
}
