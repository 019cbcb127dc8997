// One plot of a curve, on logarithmic scales: what was asked is a line across it, a crossing is ringed.

import uPlot from 'uplot';
import { DASHES, palette, type Palette } from '../plots/palette.ts';
import { strings } from '../../i18n/index.ts';
import { TRANSPORTS } from '../../client/transport.ts';
import { h, setText } from '../dom.ts';
import type { Curve, Over } from '../../lab/planner/curves.ts';
import { amount, compact } from '../../i18n/amounts.ts';
import { placeOn, time } from './figures.ts';
import { chartOf } from './sentences.ts';

const HEIGHT_PX = 260;
const AXIS_PX = 64;
const LINE_PX = 2.25;
const RING_PX = 6;
/** uPlot's number for a logarithmic scale. */
const LOGARITHMIC = 3;

export class CurveChart {
  readonly element: HTMLElement;
  readonly #over: Over;
  readonly #holder: HTMLElement;
  readonly #values = h('span', { class: 'plot-values' });
  #palette: Palette | null = null;
  #plot: uPlot | null = null;
  #curve: Curve | null = null;

  constructor(over: Over) {
    const { planner } = strings;
    this.#over = over;
    this.#holder = h('div', { class: 'plot-canvas', role: 'img' });
    this.element = h(
      'div',
      { class: 'curve', 'data-over': over },
      h('p', { class: 'plot-title' }, h('span', {}, planner.over[over]), this.#values),
      this.#holder,
    );
  }

  draw(curve: Curve): void {
    this.#curve = curve;
    const data = [curve.at, ...TRANSPORTS.map((transport) => curve.cores[transport])];
    this.#holder.setAttribute('aria-label', chartOf(curve));
    if (this.#plot === null) this.#plot = this.#make(data as unknown as uPlot.AlignedData);
    else this.#plot.setData(data as unknown as uPlot.AlignedData);
    this.#read(this.#plot);
  }

  resize(): void {
    const width = Math.floor(this.#holder.clientWidth);
    if (width > 0) this.#plot?.setSize({ width, height: HEIGHT_PX });
  }

  /** Light has become dark, or the other way round. */
  restyle(): void {
    this.#palette = null;
    this.#plot?.redraw(false);
  }

  get #colours(): Palette {
    return (this.#palette ??= palette(this.element));
  }

  #make(data: uPlot.AlignedData): uPlot {
    const colours = () => this.#colours;
    const axis = {
      stroke: () => colours().soft,
      font: colours().font,
      ticks: { show: false },
      // Between whole decades the lines stand too close.
      grid: {
        stroke: () => colours().rule,
        width: 1,
        filter: (_plot: uPlot, splits: number[]) => splits.map((value) => (isDecade(value) ? value : null)),
      },
    };
    const options: uPlot.Options = {
      width: Math.max(this.#holder.clientWidth, 1),
      height: HEIGHT_PX,
      padding: [12, 24, 0, 0],
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, y: false, points: { size: 6 } },
      scales: { x: { time: false, distr: LOGARITHMIC }, y: { distr: LOGARITHMIC } },
      axes: [
        { ...axis, space: 56, values: (_plot, splits) => splits.map((value) => this.#tick(value)) },
        {
          ...axis,
          size: AXIS_PX,
          values: (_plot, splits) => splits.map((value) => (isDecade(value) ? compact(value) : '')),
        },
      ],
      series: [
        {},
        ...TRANSPORTS.map((transport): uPlot.Series => ({
          stroke: () => colours().transports[transport],
          width: LINE_PX,
          dash: DASHES[transport],
          cap: transport === 'poll' ? 'round' : 'butt',
          points: { show: false },
        })),
      ],
      hooks: {
        draw: [(plot) => this.#marks(plot)],
        setCursor: [(plot) => this.#read(plot)],
      },
    };
    return new uPlot(options, data, this.#holder);
  }

  #tick(value: number): string {
    if (!isDecade(value)) return '';
    return this.#over === 'max_delay_s' ? time(value) : compact(value);
  }

  /** What was asked, and where costs cross. */
  #marks(plot: uPlot): void {
    const curve = this.#curve;
    if (curve === null) return;
    const { ctx, bbox } = plot;
    const colours = this.#colours;
    const ratio = uPlot.pxRatio;
    ctx.save();
    ctx.font = colours.font.replace('12px', `${12 * ratio}px`);
    ctx.lineWidth = ratio;
    ctx.strokeStyle = ctx.fillStyle = colours.ink;
    const asked = Math.round(plot.valToPos(curve.asked, 'x', true));
    ctx.beginPath();
    ctx.moveTo(asked, bbox.top);
    ctx.lineTo(asked, bbox.top + bbox.height);
    ctx.stroke();
    const isLeft = asked < bbox.left + bbox.width / 2;
    ctx.textAlign = isLeft ? 'left' : 'right';
    ctx.textBaseline = 'top';
    ctx.fillText(strings.planner.asked, asked + (isLeft ? 5 : -5) * ratio, bbox.top);
    for (const transport of TRANSPORTS) {
      const value = nearest(curve, curve.asked, transport);
      if (value === null) continue;
      ctx.beginPath();
      ctx.fillStyle = colours.transports[transport];
      ctx.arc(asked, plot.valToPos(value, 'y', true), 3.5 * ratio, 0, 2 * Math.PI);
      ctx.fill();
    }
    ctx.lineWidth = 2 * ratio;
    ctx.fillStyle = colours.ink;
    ctx.textBaseline = 'top';
    for (const crossing of curve.crossings) {
      const value = nearest(curve, crossing, 'stream');
      if (value === null) continue;
      const [x, y] = [plot.valToPos(crossing, 'x', true), plot.valToPos(value, 'y', true)];
      ctx.beginPath();
      ctx.arc(x, y, RING_PX * ratio, 0, 2 * Math.PI);
      ctx.stroke();
      const toLeft = x > bbox.left + bbox.width / 2;
      ctx.textAlign = toLeft ? 'right' : 'left';
      const words = placeOn(curve.over, crossing);
      const [wordsX, wordsY] = [x + (toLeft ? -RING_PX : RING_PX) * 1.5 * ratio, y + (RING_PX + 2) * ratio];
      // Lines may run under the words.
      ctx.strokeStyle = colours.paper;
      ctx.lineWidth = 4 * ratio;
      ctx.strokeText(words, wordsX, wordsY);
      ctx.strokeStyle = colours.ink;
      ctx.lineWidth = 2 * ratio;
      ctx.fillText(words, wordsX, wordsY);
    }
    ctx.restore();
  }

  /** What the lines say where the pointer is. */
  #read(plot: uPlot): void {
    const { idx } = plot.cursor;
    const curve = this.#curve;
    if (curve === null || idx === null || idx === undefined) {
      setText(this.#values, '');
      return;
    }
    const said = TRANSPORTS.flatMap((transport) => {
      const value = curve.cores[transport][idx];
      return typeof value === 'number' ? [`${strings.transports[transport]} ${amount(value)}`] : [];
    });
    setText(this.#values, [placeOn(curve.over, curve.at[idx] ?? 0), ...said].join(' · '));
  }
}

function isDecade(value: number): boolean {
  const power = Math.log10(value);
  return Math.abs(power - Math.round(power)) < 1e-6;
}

/** The curve's value next to `at`. */
function nearest(curve: Curve, at: number, transport: (typeof TRANSPORTS)[number]): number | null {
  const values = curve.cores[transport];
  const [least, most] = [curve.at[0] ?? 1, curve.at[curve.at.length - 1] ?? 1];
  const place = (Math.log(at / least) / Math.log(most / least)) * (curve.at.length - 1);
  const [before, after] = [values[Math.floor(place)] ?? null, values[Math.ceil(place)] ?? null];
  if (before === null || after === null) return after ?? before;
  return before * (after / before) ** (place - Math.floor(place));
}
