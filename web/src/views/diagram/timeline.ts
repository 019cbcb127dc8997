// The moving diagram: rows and spans between the two lifelines, on a tape that is drawn once and then moved.
//
// The tape is several windows long. Near its end it is drawn again, with the present at its beginning. It moves by an
// animation of its transform in steps of whole pixels, which the browser's compositor runs: between two events the page
// itself does nothing.

import { formatTickTime } from '../../i18n/format.ts';
import { strings } from '../../i18n/index.ts';
import type { Transport } from '../../client/transport.ts';
import { h } from '../dom.ts';
import { Arrow, computeLabelY, type Lifelines } from './arrow.ts';
import type { Mark } from '../../lab/diagram/event-buffer.ts';
import { Rows, type DiagramRow } from '../../lab/diagram/rows.ts';
import type { TimelineEvent, Span } from '../../lab/diagram/sequence.ts';
import { svg } from './svg.ts';
import { createMeasure } from './text-width.ts';

/** In windows: the tape's length, how much of it lies before the present at first, and when it is drawn again. */
const WINDOWS = { tape: 4, past: 1, renew: 3.5 } as const;
/** Space on the right for the bars of waiting times. */
const RIGHT_PX = 14;
/** The minimum space on the left for times, and for times with hours, at the usual size of text. */
const TIMES_PX = { least: 36, hours: 56 } as const;
const USUAL_TEXT_PX = 16;
/** The width of a waiting time and of the gap before it, in line heights. */
const WAIT_LINES = 3.5;
/** Limits the cost of the animation, which would otherwise dominate the page's. */
const MAX_STEPS_PER_SECOND = 20;
/** The maximum distance of a pointer from an arrow. */
const NEAR_PX = 8;
/** The interval of the times on the left, by window. */
const TICK_MS: Record<number, number> = { 12_000: 2_000, 30_000: 5_000, 60_000: 10_000, 120_000: 20_000 };

export class Timeline {
  readonly element: HTMLElement;
  readonly #tape: SVGSVGElement;
  readonly #layers = {
    open: svg('g', { class: 'spans-open' }),
    held: svg('g', {}),
    ticks: svg('g', { class: 'ticks', 'aria-hidden': 'true' }),
    arrows: svg('g', {}),
    papers: svg('g', {}),
    labels: svg('g', { 'aria-hidden': 'true' }),
  };
  readonly #arrows = new Map<DiagramRow, Arrow>();
  readonly #spans = new Map<Span, SVGRectElement>();
  #rows = new Rows(1, 1);
  #size = { width: 0, height: 0 };
  #text_px = 12;
  #measure = createMeasure('12px sans-serif');
  /** Space on the left for times, from the styles. */
  #left_px = 62;
  /** How much larger the page's text is than usual. */
  #zoom = 1;
  #window_ms: number;
  #base_ms = 0;
  #offset_px = NaN;
  #motion: Motion | null = null;
  /** The newest request, which an empty answer belongs to. */
  #request: Arrow | null = null;
  /** The arrow in the tab order. */
  #tabStop: Arrow | null = null;

  constructor(window_ms: number) {
    this.#window_ms = window_ms;
    const { open, held, ticks, arrows, papers, labels } = this.#layers;
    // The pale layer of open connections tints the papers too, so that they do not stand out.
    this.#tape = svg('svg', { class: 'tape', role: 'group' }, held, ticks, arrows, papers, open, labels);
    this.element = h('div', { class: 'tape-frame' }, this.#tape);
    this.element.addEventListener('keydown', (event) => this.#onKeyDown(event));
  }

  get isDrawable(): boolean {
    return this.#size.width > this.#left_px + this.#right_px && this.#size.height > 0;
  }

  get #right_px(): number {
    return RIGHT_PX + WAIT_LINES * this.#text_px;
  }

  get px_per_ms(): number {
    return this.#size.height / this.#window_ms;
  }

  setName(transport: Transport): void {
    this.#tape.setAttribute('aria-label', strings.diagram.of(strings.transports[transport]));
  }

  resize(width: number, height: number): void {
    this.#size = { width, height };
    const style = getComputedStyle(this.#tape);
    this.#text_px = Number.parseFloat(style.fontSize) || this.#text_px;
    this.#measure = createMeasure(`${style.fontSize} ${style.fontFamily}`);
    this.#left_px = Number.parseFloat(getComputedStyle(this.element, '::before').left) || this.#left_px;
    this.#zoom = Number.parseFloat(getComputedStyle(document.documentElement).fontSize) / USUAL_TEXT_PX || 1;
    // The names of the lifelines, which are beside this element, need it too.
    (this.element.parentElement ?? this.element).style.setProperty('--right', `${this.#right_px}px`);
  }

  /**
   * Clears the tape and lets `fill` draw it again around `now_ms`. The focus stays on the same arrow, if it still
   * exists.
   */
  redraw(now_ms: number, window_ms: number, fill: () => void): void {
    const focused = this.arrowOf(document.activeElement);
    this.#clear(now_ms, window_ms);
    fill();
    if (focused !== null) this.#focus(this.successorOf(focused));
  }

  #clear(now_ms: number, window_ms: number): void {
    this.#window_ms = window_ms;
    this.#base_ms = now_ms - window_ms * WINDOWS.past;
    this.#rows = new Rows(this.px_per_ms, this.#text_px);
    this.#arrows.clear();
    this.#spans.clear();
    this.#request = this.#tabStop = null;
    this.#endMotion();
    for (const layer of Object.values(this.#layers)) layer.replaceChildren();
    this.#tape.setAttribute('width', String(this.#size.width));
    this.#tape.setAttribute('height', String(this.#size.height * WINDOWS.tape));
    this.#offset_px = NaN;
    this.#drawTicks();
  }

  /** Whether the tape is near its end, or `now_ms` lies before it. */
  isNearEnd(now_ms: number): boolean {
    return !(now_ms - this.#base_ms < this.#window_ms * WINDOWS.renew && now_ms >= this.#base_ms);
  }

  add(timelineEvent: TimelineEvent): void {
    this.#show(this.#rows.add(timelineEvent));
  }

  mark(mark: Mark): void {
    this.#show(this.#rows.mark(mark));
  }

  /** Draws a span, or its end. */
  span(span: Span): void {
    const { browser, server } = this.#getLifelines();
    const from = Math.max(0, this.#y(span.from_ms));
    const to = span.to_ms === null ? this.#size.height * WINDOWS.tape : this.#y(span.to_ms);
    let rect = this.#spans.get(span);
    if (rect === undefined) {
      const [x, width] = span.kind === 'open' ? [browser, server - browser] : [server - 3, 6];
      rect = svg('rect', { class: `span-${span.kind}`, 'data-transport': span.transport, x, width });
      this.#spans.set(span, rect);
      this.#layers[span.kind].append(rect);
    }
    rect.setAttribute('y', from.toFixed(2));
    rect.setAttribute('height', Math.max(1, to - from).toFixed(2));
  }

  /** Moves the tape so that `now_ms` is at the bottom, and stops it there. */
  moveTo(now_ms: number): void {
    this.#endMotion();
    const offset_px = this.#offsetOf(now_ms);
    if (offset_px === this.#offset_px) return;
    this.#offset_px = offset_px;
    this.#tape.style.transform = translate(offset_px);
  }

  /** Moves the tape continuously from now on, with the present (now `now_ms`) at the bottom. */
  follow(now_ms: number): void {
    const at_ms = performance.now();
    const wanted_px = this.#offsetOf(now_ms);
    const motion = this.#motion;
    // The running animation is still right unless the estimate of the server's time has changed.
    if (motion !== null && Math.abs(wanted_px - computeOffset(motion, at_ms)) <= 2 * motion.step_px) return;
    this.moveTo(now_ms);
    const step_px =
      Math.max(1, Math.ceil((this.px_per_ms * 1_000 * getPixelRatio()) / MAX_STEPS_PER_SECOND)) /
      getPixelRatio();
    const step_ms = step_px / this.px_per_ms;
    const steps = Math.floor((wanted_px + this.#size.height * (WINDOWS.tape - 1)) / step_px);
    if (!(steps > 0) || this.#tape.animate === undefined) return;
    // Aligned to multiples of the step, so that several diagrams step in the same frame.
    const start_ms = Math.floor(at_ms / step_ms) * step_ms;
    const animation = this.#tape.animate(
      { transform: [translate(wanted_px), translate(wanted_px - steps * step_px)] },
      { duration: steps * step_ms, easing: `steps(${steps})`, fill: 'forwards' },
    );
    animation.startTime = start_ms;
    this.#motion = { animation, start_ms, from_px: wanted_px, step_px, step_ms, steps };
  }

  /** Stops the tape where it is now. */
  stop(): void {
    if (this.#motion === null) return;
    this.#offset_px = computeOffset(this.#motion, performance.now());
    this.#tape.style.transform = translate(this.#offset_px);
    this.#endMotion();
  }

  #endMotion(): void {
    this.#motion?.animation.cancel();
    this.#motion = null;
  }

  #offsetOf(now_ms: number): number {
    return Math.round((this.#size.height - this.#y(now_ms)) * getPixelRatio()) / getPixelRatio();
  }

  /** Removes rows and spans that end before `ms`. */
  evict(ms: number): void {
    for (const row of this.#rows.evict(ms)) {
      const arrow = this.#arrows.get(row);
      if (arrow === undefined) continue;
      const focused = arrow.element === document.activeElement;
      this.#arrows.delete(row);
      if (focused) this.#focus(this.#sortArrows()[0] ?? null);
      if (arrow === this.#tabStop) this.#tabStop = null;
      arrow.element.remove();
      arrow.paper.remove();
      arrow.labels.remove();
    }
    for (const [span, rect] of this.#spans) {
      if (span.to_ms === null || span.to_ms >= ms) continue;
      this.#spans.delete(span);
      rect.remove();
    }
  }

  /** The arrow near a pointer at client coordinates; null if none is near. */
  arrowAt({ x, y }: { x: number; y: number }): Arrow | null {
    const { left, top } = this.#tape.getBoundingClientRect();
    let nearest: Arrow | null = null;
    let distance = NEAR_PX;
    for (const arrow of this.#arrows.values()) {
      const away_px = arrow.distance(x - left, y - top - this.#y(arrow.row.from_ms));
      if (away_px < distance) [nearest, distance] = [arrow, away_px];
    }
    return nearest;
  }

  /** The arrow that replaced `gone` when the tape was drawn again. */
  successorOf({ row: gone }: Arrow): Arrow | null {
    for (const arrow of this.#arrows.values()) {
      const { style, transport, from_ms, to_ms } = arrow.row;
      const isSame = style === gone.style && transport === gone.transport;
      if (isSame && from_ms <= gone.to_ms && to_ms >= gone.from_ms) return arrow;
    }
    return null;
  }

  arrowOf(element: EventTarget | null): Arrow | null {
    for (const arrow of this.#arrows.values()) if (arrow.element === element) return arrow;
    return null;
  }

  has(arrow: Arrow): boolean {
    return this.#arrows.get(arrow.row) === arrow;
  }

  /** The current vertical position of an arrow in the frame. */
  top({ row }: Arrow): number {
    const offset_px =
      this.#motion === null ? this.#offset_px : computeOffset(this.#motion, performance.now());
    return this.#y(row.from_ms) + (row.browser_px + row.server_px) / 2 + offset_px;
  }

  #show({ row, isNew }: { row: DiagramRow; isNew: boolean }): void {
    if (!isNew) return this.#arrows.get(row)?.update();
    // In a dense diagram, “no” alone would not be understood: question and answer are labelled together.
    const isUnasked = row.style === 'empty' && this.#request?.hasLabel === false;
    const arrow = new Arrow(row, {
      lifelines: this.#getLifelines(),
      px_per_ms: this.px_per_ms,
      text_px: this.#text_px,
      measure: this.#measure,
      labelSpace_px: isUnasked
        ? 0
        : this.#distanceToNearest(
            row,
            ({ hasLabel }) => hasLabel,
            (each) => computeLabelY(each, { px_per_ms: this.px_per_ms, text_px: this.#text_px }),
          ),
      waitSpace_px: this.#distanceToNearest(
        row,
        ({ hasWait }) => hasWait,
        ({ wait_ms }) => (wait_ms * this.px_per_ms) / 2,
      ),
    });
    for (const each of [arrow.element, arrow.paper, arrow.labels])
      each.setAttribute('transform', `translate(0 ${this.#y(row.from_ms).toFixed(2)})`);
    if (row.style === 'request') this.#request = arrow;
    this.#arrows.set(row, arrow);
    this.#layers.arrows.append(arrow.element);
    if (arrow.hasLabel) this.#layers.papers.append(arrow.paper);
    if (arrow.labels.hasChildNodes()) this.#layers.labels.append(arrow.labels);
    // The newest arrow is in the tab order, unless the focus is inside already.
    if (!this.element.contains(document.activeElement)) this.#setTabStop(arrow);
  }

  /** The distance from a row's text to the nearest text of the same kind. */
  #distanceToNearest(
    row: DiagramRow,
    has: (arrow: Arrow) => boolean,
    offset: (row: DiagramRow) => number,
  ): number {
    const at = (each: DiagramRow) => (each.from_ms - row.from_ms) * this.px_per_ms + offset(each);
    const here = at(row);
    let min_px = Infinity;
    for (const arrow of this.#arrows.values())
      if (has(arrow)) min_px = Math.min(min_px, Math.abs(at(arrow.row) - here));
    return min_px;
  }

  #drawTicks(): void {
    const { browser, server } = this.#getLifelines();
    const step_ms = TICK_MS[this.#window_ms] ?? this.#window_ms / 6;
    const end_ms = this.#base_ms + this.#window_ms * WINDOWS.tape;
    for (let at_ms = Math.ceil(this.#base_ms / step_ms) * step_ms; at_ms < end_ms; at_ms += step_ms) {
      const y = this.#y(at_ms).toFixed(2);
      this.#layers.ticks.append(svg('path', { d: `M${browser} ${y}H${server}` }));
      const space_px = this.#left_px / this.#zoom;
      if (space_px < TIMES_PX.least) continue;
      const time = formatTickTime(at_ms, space_px >= TIMES_PX.hours);
      this.#layers.ticks.append(svg('text', { x: browser - 8, y }, time));
    }
  }

  #getLifelines(): Lifelines {
    return { browser: this.#left_px, server: this.#size.width - this.#right_px };
  }

  #y(ms: number): number {
    return (ms - this.#base_ms) * this.px_per_ms;
  }

  #sortArrows(): Arrow[] {
    return [...this.#arrows.values()].sort(
      (one, other) =>
        one.row.from_ms +
        one.row.browser_px / this.px_per_ms -
        (other.row.from_ms + other.row.browser_px / this.px_per_ms),
    );
  }

  #setTabStop(arrow: Arrow | null): void {
    this.#tabStop?.element.setAttribute('tabindex', '-1');
    this.#tabStop = arrow;
    arrow?.element.setAttribute('tabindex', '0');
  }

  #focus(arrow: Arrow | null, preventScroll = true): void {
    this.#setTabStop(arrow);
    arrow?.element.focus({ preventScroll });
  }

  #onKeyDown(event: KeyboardEvent): void {
    const here = this.arrowOf(event.target);
    if (here === null) return;
    const arrows = this.#sortArrows().filter((arrow) => this.top(arrow) <= this.#size.height);
    const at = arrows.indexOf(here);
    const next = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: arrows.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    this.#focus(arrows[Math.min(Math.max(next, 0), arrows.length - 1)] ?? here, false);
  }
}

/** A running animation of the tape. */
interface Motion {
  animation: Animation;
  /** By `performance.now()`. */
  start_ms: number;
  from_px: number;
  step_px: number;
  step_ms: number;
  steps: number;
}

function computeOffset({ start_ms, from_px, step_px, step_ms, steps }: Motion, at_ms: number): number {
  const done = Math.min(steps, Math.max(0, Math.floor((at_ms - start_ms) / step_ms)));
  return from_px - done * step_px;
}

function translate(y_px: number): string {
  return `translateY(${y_px}px)`;
}

function getPixelRatio(): number {
  return globalThis.devicePixelRatio || 1;
}
