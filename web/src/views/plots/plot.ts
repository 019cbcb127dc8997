// A generic plot on a canvas: two axes, series drawn as lines, steps or dots, and a pointer. It knows nothing of what
// the values mean.

import { h } from '../dom.ts';
import type { Palette } from './palette.ts';

export interface Axis {
  /** Space for its labels: below, or on the left. */
  size_px: number;
  isLogarithmic?: boolean;
  /** The range of the axis, given the extent of the data. */
  range(min: number, max: number): readonly [number, number];
  /** The positions of its grid lines. */
  ticks(from: number, to: number, length_px: number): number[];
  /** The label of a grid line; empty for none. */
  formatTick(value: number): string;
}

export interface PlotLine {
  colour(palette: Palette): string;
  width_px: number;
  dash: readonly number[];
  /** `steps` are as wide as the distance between two positions. */
  shape: 'line' | 'steps' | 'dots';
  /** Called for each drawing. */
  hasRings?(): boolean;
}

export interface PlotOptions {
  height_px: number;
  padding_px: { top: number; right: number };
  x: Axis;
  y: Axis;
  lines: readonly PlotLine[];
  palette(): Palette;
  /** Draw below the lines, and above them. */
  background?(plot: Plot): void;
  foreground?(plot: Plot): void;
  /** Called with the index of the data at the pointer; null without a pointer. */
  onPoint(index: number | null): void;
  /** Plots whose pointers move together. */
  group?: Set<Plot>;
}

export type PlotData = readonly (readonly (number | null)[])[];

const DOT_PX = 3;
/** Between an axis and its labels. */
const WORD_GAP_PX = 8;

export class Plot {
  readonly element = h('canvas');
  readonly context: CanvasRenderingContext2D;
  /** The area of the lines, in CSS pixels. */
  area = { left: 0, top: 0, width: 0, height: 0 };
  readonly #options: PlotOptions;
  #width_px = 0;
  #data: PlotData = [];
  #x: readonly [number, number] = [0, 1];
  #y: readonly [number, number] = [0, 1];
  #pointedIndex: number | null = null;
  #isScheduled = false;

  constructor(options: PlotOptions) {
    this.#options = options;
    const context = this.element.getContext('2d');
    if (context === null) throw new Error('there is no canvas to draw on');
    this.context = context;
    options.group?.add(this);
    const all = () => options.group ?? [this];
    this.element.addEventListener('pointermove', ({ offsetX }) => {
      for (const plot of all()) plot.point(this.#indexAt(offsetX));
    });
    this.element.addEventListener('pointerleave', () => {
      for (const plot of all()) plot.point(null);
    });
  }

  resize(width_px: number): void {
    this.#width_px = width_px;
    this.redraw();
  }

  setData(data: PlotData): void {
    this.#data = data;
    this.redraw();
    this.#options.onPoint(this.#pointedIndex);
  }

  redraw(): void {
    this.#draw();
  }

  destroy(): void {
    this.#options.group?.delete(this);
    this.element.remove();
  }

  point(index: number | null): void {
    if (index === this.#pointedIndex) return;
    this.#pointedIndex = index;
    this.#options.onPoint(index);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    // At max once per frame, however fast the pointer moves.
    requestAnimationFrame(() => {
      this.#isScheduled = false;
      this.#draw();
    });
  }

  x(value: number): number {
    return this.area.left + this.area.width * toShare(value, this.#x, this.#options.x.isLogarithmic);
  }

  y(value: number): number {
    const up = toShare(value, this.#y, this.#options.y.isLogarithmic);
    return this.area.top + this.area.height * (1 - up);
  }

  #indexAt(x_px: number): number | null {
    const places = this.#data[0] ?? [];
    let nearest: number | null = null;
    let min_px = Infinity;
    places.forEach((place, index) => {
      const away_px = Math.abs(this.x(place ?? NaN) - x_px);
      if (away_px < min_px) [nearest, min_px] = [index, away_px];
    });
    return nearest;
  }

  #draw(): void {
    const { height_px, padding_px, x, y, background, foreground } = this.#options;
    const [places = [], ...series] = this.#data;
    if (this.#width_px <= 0) return;
    const ratio = globalThis.devicePixelRatio || 1;
    const { element, context } = this;
    element.width = Math.round(this.#width_px * ratio);
    element.height = Math.round(height_px * ratio);
    element.style.width = `${this.#width_px}px`;
    element.style.height = `${height_px}px`;
    context.scale(ratio, ratio);
    const { top, right } = padding_px;
    this.area = {
      left: y.size_px,
      top,
      width: Math.max(1, this.#width_px - y.size_px - right),
      height: Math.max(1, height_px - top - x.size_px),
    };
    this.#x = x.range(...computeExtent([places]));
    const [from, to] = this.#x;
    const isSeen = (index: number) => (places[index] ?? NaN) >= from && (places[index] ?? NaN) <= to;
    this.#y = y.range(...computeExtent(series.map((values) => values.filter((_, index) => isSeen(index)))));
    this.#axes();
    context.save();
    context.beginPath();
    context.rect(this.area.left, 0, this.area.width, this.area.top + this.area.height + 1);
    context.clip();
    background?.(this);
    series.forEach((values, at) => this.#line(this.#options.lines[at], places, values));
    context.restore();
    foreground?.(this);
    if (this.#pointedIndex !== null) this.#pointer(places[this.#pointedIndex] ?? null);
  }

  #axes(): void {
    const { context, area } = this;
    const { x, y, palette } = this.#options;
    const { soft, rule, font } = palette();
    const bottom = area.top + area.height;
    context.font = font;
    context.fillStyle = soft;
    context.strokeStyle = rule;
    context.lineWidth = 1;
    context.beginPath();
    context.textAlign = 'center';
    context.textBaseline = 'top';
    for (const value of x.ticks(...this.#x, area.width)) {
      const at = Math.round(this.x(value)) + 0.5;
      context.moveTo(at, area.top);
      context.lineTo(at, bottom);
      if (x.size_px > 0) context.fillText(x.formatTick(value), at, bottom + WORD_GAP_PX);
    }
    context.textAlign = 'right';
    context.textBaseline = 'middle';
    for (const value of y.ticks(...this.#y, area.height)) {
      const at = Math.round(this.y(value)) + 0.5;
      context.moveTo(area.left, at);
      context.lineTo(area.left + area.width, at);
      context.fillText(y.formatTick(value), area.left - WORD_GAP_PX, at);
    }
    context.stroke();
  }

  #line(
    line: PlotLine | undefined,
    places: readonly (number | null)[],
    values: readonly (number | null)[],
  ): void {
    if (line === undefined) return;
    const { context } = this;
    const palette = this.#options.palette();
    context.strokeStyle = line.colour(palette);
    context.lineWidth = line.width_px;
    context.setLineDash([...line.dash]);
    context.lineCap = (line.dash[0] ?? 1) < 1 ? 'round' : 'butt';
    const half_px =
      line.shape === 'steps' ? Math.abs(this.x(places[1] ?? 0) - this.x(places[0] ?? 0)) / 2 : 0;
    const dots: [number, number][] = [];
    let isDrawing = false;
    context.beginPath();
    values.forEach((value, index) => {
      const place = places[index];
      if (value === null || place === null || place === undefined) {
        isDrawing = false;
        return;
      }
      const [x, y] = [this.x(place), this.y(value)];
      dots.push([x, y]);
      if (isDrawing) context.lineTo(x - half_px, y);
      else context.moveTo(x - half_px, y);
      if (half_px > 0) context.lineTo(x + half_px, y);
      isDrawing = true;
    });
    if (line.shape !== 'dots') context.stroke();
    context.setLineDash([]);
    const hasRings = line.hasRings?.() === true;
    if (line.shape !== 'dots' && !hasRings) return;
    context.lineWidth = 1.5;
    context.fillStyle = hasRings ? palette.paper : line.colour(palette);
    for (const [x, y] of dots) {
      context.beginPath();
      context.arc(x, y, DOT_PX, 0, 2 * Math.PI);
      context.fill();
      context.stroke();
    }
  }

  #pointer(place: number | null): void {
    if (place === null) return;
    const { context, area } = this;
    const at = Math.round(this.x(place)) + 0.5;
    context.strokeStyle = this.#options.palette().soft;
    context.lineWidth = 1;
    context.setLineDash([3, 3]);
    context.beginPath();
    context.moveTo(at, area.top);
    context.lineTo(at, area.top + area.height);
    context.stroke();
    context.setLineDash([]);
  }
}

function toShare(value: number, [from, to]: readonly [number, number], isLogarithmic = false): number {
  return isLogarithmic ? Math.log(value / from) / Math.log(to / from) : (value - from) / (to - from);
}

function computeExtent(all: PlotData): [number, number] {
  let [min, max] = [Infinity, -Infinity];
  for (const values of all)
    for (const value of values) if (value !== null) [min, max] = [Math.min(min, value), Math.max(max, value)];
  return [min, max];
}

/**
 * Round numbers at min `space_px` apart. `steps` are the allowed steps; by default 1, 2 or 5 times a power of ten.
 */
export function computeRoundTicks(
  from: number,
  to: number,
  length_px: number,
  space_px: number,
  steps?: readonly number[],
): number[] {
  const min = ((to - from) / length_px) * space_px;
  if (!(min > 0)) return [];
  const power = 10 ** Math.floor(Math.log10(min));
  const allowed = steps ?? [1, 2, 5, 10].map((step) => step * power);
  const step = allowed.find((each) => each >= min) ?? allowed[allowed.length - 1] ?? min;
  const first = Math.ceil(from / step);
  return Array.from(
    { length: Math.max(0, Math.floor(to / step) - first + 1) },
    (_, at) => (first + at) * step,
  );
}

export function computeDecades(from: number, to: number): number[] {
  const first = Math.ceil(Math.log10(from) - 1e-6);
  const last = Math.floor(Math.log10(to) + 1e-6);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => 10 ** (first + at));
}
