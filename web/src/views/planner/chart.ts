// A chart of one curve on logarithmic scales, with a line at the question's value and rings around the crossings.

import { DASHES, readPalette, type Palette } from '../plots/palette.ts';
import { computeDecades, Plot } from '../plots/plot.ts';
import { strings } from '../../i18n/index.ts';
import { TRANSPORTS } from '../../client/transport.ts';
import { h, setText } from '../dom.ts';
import { type Curve, findCrossings, type CurveAxis, type Plan } from '../../lab/planner/plan.ts';
import { formatAmount, formatCompact } from '../../i18n/amounts.ts';
import { formatAxisValue, roundToTwoDigits, formatDuration } from './format.ts';
import { describeChart } from './sentences.ts';

const HEIGHT_PX = 260;
const AXIS_PX = 64;
const LINE_PX = 2.25;
const RING_PX = 6;
const TIMES_PX = 30;

export class CurveChart {
  readonly element: HTMLElement;
  readonly over: CurveAxis;
  readonly #holder: HTMLElement;
  readonly #values = h('span', { class: 'plot-values' });
  #palette: Palette | null = null;
  #plot: Plot | null = null;
  #shown: { plan: Plan; curve: Curve } | null = null;

  constructor(over: CurveAxis) {
    const { planner } = strings;
    this.over = over;
    this.#holder = h('div', { class: 'plot-canvas', role: 'img' });
    this.element = h(
      'div',
      { class: 'curve', 'data-over': over },
      h('p', { class: 'plot-title' }, h('span', {}, planner.over[over]), this.#values),
      this.#holder,
    );
  }

  draw(plan: Plan, curve: Curve): void {
    this.#shown = { plan, curve };
    this.#holder.setAttribute('aria-label', describeChart(plan, curve));
    this.#plot ??= this.#createPlot();
    this.#plot.setData([curve.at, ...TRANSPORTS.map((transport) => curve.cores[transport])]);
  }

  resize(): void {
    const width = Math.floor(this.#holder.clientWidth);
    if (width > 0) this.#plot?.resize(width);
  }

  /** Call when the colour scheme has changed. */
  restyle(): void {
    this.#palette = null;
    this.#plot?.redraw();
  }

  get #colours(): Palette {
    return (this.#palette ??= readPalette(this.element));
  }

  #createPlot(): Plot {
    const whole = (least: number, most: number) =>
      least < most ? ([least, most] as const) : ([least / 2, most * 2] as const);
    const plot = new Plot({
      height_px: HEIGHT_PX,
      padding_px: { top: 12, right: 24 },
      x: {
        size_px: TIMES_PX,
        isLogarithmic: true,
        range: whole,
        ticks: computeDecades,
        formatTick: (value) => this.#tick(value),
      },
      y: {
        size_px: AXIS_PX,
        isLogarithmic: true,
        // Whole computeDecades, so that there is a grid line at the bottom and the top.
        range: (least, most) =>
          least > 0 && most < Infinity
            ? [10 ** Math.floor(Math.log10(least)), 10 ** Math.ceil(Math.log10(most) + 1e-6)]
            : [0.1, 10],
        ticks: computeDecades,
        formatTick: formatCompact,
      },
      lines: TRANSPORTS.map((transport) => ({
        colour: ({ transports }) => transports[transport],
        width_px: LINE_PX,
        dash: DASHES[transport],
        shape: 'line',
      })),
      palette: () => this.#colours,
      foreground: (plot) => this.#marks(plot),
      onPoint: (index) => this.#showValues(index),
    });
    this.#holder.append(plot.element);
    plot.resize(Math.max(Math.floor(this.#holder.clientWidth), 1));
    return plot;
  }

  #tick(value: number): string {
    return this.over === 'max_delay_s' ? formatDuration(value) : formatCompact(value);
  }

  /** Draws the question's value and the crossings. */
  #marks(plot: Plot): void {
    if (this.#shown === null) return;
    const { plan, curve } = this.#shown;
    const { context: ctx, area } = plot;
    const colours = this.#colours;
    ctx.save();
    ctx.font = colours.font;
    ctx.lineWidth = 1;
    ctx.strokeStyle = ctx.fillStyle = colours.ink;
    const questionValue = plan.question[curve.over];
    const x = Math.round(plot.x(questionValue));
    ctx.beginPath();
    ctx.moveTo(x, area.top);
    ctx.lineTo(x, area.top + area.height);
    ctx.stroke();
    const labels = new Labels(ctx, area, colours);
    labels.place(strings.planner.asked, x, area.top);
    for (const transport of TRANSPORTS) {
      const value = interpolate(curve, questionValue, transport);
      if (value === null) continue;
      ctx.beginPath();
      ctx.fillStyle = colours.transports[transport];
      ctx.arc(x, plot.y(value), 3.5, 0, 2 * Math.PI);
      ctx.fill();
    }
    const rings = findCrossings(plan, curve).flatMap((crossing) => {
      const value = interpolate(curve, crossing, 'stream');
      return value === null ? [] : [{ crossing, x: plot.x(crossing), y: plot.y(value) }];
    });
    ctx.lineWidth = 2;
    ctx.strokeStyle = colours.ink;
    for (const ring of rings) {
      ctx.beginPath();
      ctx.arc(ring.x, ring.y, RING_PX, 0, 2 * Math.PI);
      ctx.stroke();
      labels.keepFree(ring.x, ring.y, RING_PX);
    }
    // The first of several labels goes to the left, so that labels are in the order of the rings.
    rings.forEach(({ crossing, x, y }, at) => {
      const side = at === 0 && rings.length > 1 ? 'left' : 'right';
      labels.place(formatAxisValue(curve.over, roundToTwoDigits(crossing)), x, y, RING_PX, side);
    });
    ctx.restore();
  }

  /** Shows the values at the pointer. */
  #showValues(idx: number | null): void {
    const curve = this.#shown?.curve;
    if (curve === undefined || idx === null) {
      setText(this.#values, '');
      return;
    }
    const texts = TRANSPORTS.flatMap((transport) => {
      const value = curve.cores[transport][idx];
      return typeof value === 'number' ? [`${strings.transports[transport]} ${formatAmount(value)}`] : [];
    });
    setText(this.#values, [formatAxisValue(curve.over, curve.at[idx] ?? 0), ...texts].join(' · '));
  }
}

interface PlotArea {
  left: number;
  top: number;
  width: number;
  height: number;
}

const LABEL_PX = 15;
const LABEL_GAP_PX = 5;

/** Places labels beside points so that they do not overlap. */
class Labels {
  readonly #context: CanvasRenderingContext2D;
  readonly #area: PlotArea;
  readonly #colours: Palette;
  readonly #taken: PlotArea[] = [];

  constructor(context: CanvasRenderingContext2D, area: PlotArea, colours: Palette) {
    this.#context = context;
    this.#area = area;
    this.#colours = colours;
  }

  keepFree(x: number, y: number, radius: number): void {
    this.#taken.push({ left: x - radius, top: y - radius, width: 2 * radius, height: 2 * radius });
  }

  /** Draws a label near `x, y` at the first free place, by preference on `side`. Omits it if no place is free. */
  place(text: string, x: number, y: number, away_px = 0, side: 'left' | 'right' = 'right'): void {
    const ctx = this.#context;
    const width = ctx.measureText(text).width;
    const gap = away_px + LABEL_GAP_PX;
    const tops = [0, 1, 2].flatMap((step) => [
      y + away_px + step * LABEL_PX,
      y - away_px - (step + 1) * LABEL_PX,
    ]);
    const lefts = side === 'left' ? [x - gap - width, x + gap] : [x + gap, x - gap - width];
    const box = tops
      .flatMap((top) => lefts.map((left) => ({ left, top, width, height: LABEL_PX })))
      .find((each) => this.#isFree(each));
    if (box === undefined) return;
    this.#taken.push(box);
    ctx.textAlign = 'left';
    ctx.textBaseline = 'top';
    // An outline in the background colour keeps the text readable on lines.
    ctx.strokeStyle = this.#colours.paper;
    ctx.lineWidth = 4;
    ctx.strokeText(text, box.left, box.top);
    ctx.fillStyle = this.#colours.ink;
    ctx.fillText(text, box.left, box.top);
  }

  #isFree({ left, top, width, height }: PlotArea): boolean {
    const { left: edge, top: roof, width: wide, height: high } = this.#area;
    if (left < edge || left + width > edge + wide || top < roof || top + height > roof + high) return false;
    return this.#taken.every(
      (other) =>
        left >= other.left + other.width ||
        left + width <= other.left ||
        top >= other.top + other.height ||
        top + height <= other.top,
    );
  }
}

/** The curve's value at `at`, interpolated on logarithmic scales. */
function interpolate(curve: Curve, at: number, transport: (typeof TRANSPORTS)[number]): number | null {
  const values = curve.cores[transport];
  const [least, most] = [curve.at[0] ?? 1, curve.at[curve.at.length - 1] ?? 1];
  const place = (Math.log(at / least) / Math.log(most / least)) * (curve.at.length - 1);
  const [before, after] = [values[Math.floor(place)] ?? null, values[Math.ceil(place)] ?? null];
  if (before === null || after === null) return after ?? before;
  return before * (after / before) ** (place - Math.floor(place));
}
