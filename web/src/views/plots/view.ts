// The plots over time: three charts on one time axis, their window, and the same figures in words.
//
// Data is recorded whether the plots are visible or not. The charts are created when they first come into view.

import { formatCount, formatTimeOfDay } from '../../i18n/format.ts';
import { strings } from '../../i18n/index.ts';
import { TRANSPORTS, type Transport } from '../../client/transport.ts';
import { watchSize, watchVisibility } from '../browser.ts';
import { h, setText } from '../dom.ts';
import { onPrint } from '../printing.ts';
import { createTransportSwatch } from '../transport-swatch.ts';
import type { TimeChart } from './chart.ts';
import { Columns, type PlotLineKey } from '../../lab/plots/columns.ts';
import { MEASURES, type PlotStore, SECONDS } from '../../lab/plots/store.ts';

/** The windows to choose from, and the step in which each is drawn. */
const WINDOWS = [
  { minutes: 1, step_s: 2 },
  { minutes: 5, step_s: 5 },
  { minutes: 15, step_s: 15 },
] as const;
/** The last second is not complete yet. */
const LAG_S = 1;
const TICKS_PER_SUMMARY = 2;
/** After this time charts are created even if they were never in view, as print and reports show them too. */
const CREATE_AFTER_MS = 3_000;

export interface PlotLane {
  key: string;
  /** Its current transport. */
  transport: Transport;
  /** Its name on the page. */
  name: string;
}

export class PlotsView {
  readonly content: HTMLElement[];
  readonly #store: PlotStore;
  readonly #lanes: () => readonly PlotLane[];
  readonly #charts = h('div', { class: 'plots' });
  readonly #legend = h('ul', { class: 'plot-legend' });
  readonly #summary = h('ul', { class: 'plot-words' });
  #window: (typeof WINDOWS)[number] = WINDOWS[0];
  #timeCharts: TimeChart[] = [];
  #isInView = false;
  #legendKey = '';
  #ticks = 0;

  constructor(id: string, store: PlotStore, lanes: () => readonly PlotLane[]) {
    const { plots } = strings;
    this.#store = store;
    this.#lanes = lanes;
    this.content = [
      h('p', { class: 'explained' }, plots.explained),
      h('div', { class: 'plot-head' }, this.#windowPicker(id), this.#legend),
      this.#charts,
      this.#summary,
    ];
    watchVisibility(
      this.#charts,
      (isInView) => {
        this.#isInView = isInView;
        if (!isInView) return;
        // The last drawing may be old.
        this.#draw();
        void this.#createCharts();
      },
      { rootMargin: '200px' },
    );
    watchSize([this.#charts], () => {
      const width = Math.floor(this.#charts.clientWidth);
      if (width > 0) for (const chart of this.#timeCharts) chart.resize(width);
    });
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      for (const chart of this.#timeCharts) chart.restyle();
    });
    setTimeout(() => void this.#createCharts(), CREATE_AFTER_MS);
    onPrint(() => {
      this.#draw();
      for (const chart of this.#timeCharts) chart.restyle();
    });
  }

  /** Pictures of the current plots, each with its name. */
  pictures(): { name: string; canvas: HTMLCanvasElement }[] {
    this.#draw();
    return this.#timeCharts.flatMap((chart) => chart.picture ?? []);
  }

  /** Call when the lanes or the window have changed. */
  rebuild(): void {
    for (const chart of this.#timeCharts) chart.destroy();
    this.#timeCharts = [];
    this.#charts.replaceChildren();
    this.#ticks = 0;
    this.#drawLegend();
    if (this.#isInView) void this.#createCharts();
    else setTimeout(() => void this.#createCharts(), CREATE_AFTER_MS);
    this.#drawSummary();
  }

  /** Call once a second. */
  tick(): void {
    this.#drawLegend();
    if (this.#ticks++ % TICKS_PER_SUMMARY === 0) this.#drawSummary();
    if (this.#isInView) this.#draw();
  }

  /** Call when the tab is visible again. */
  resume(): void {
    this.#ticks = 0;
    this.tick();
  }

  get #present_s(): number {
    return (this.#store.times[SECONDS - 1] ?? 0) - LAG_S;
  }

  #draw(): void {
    for (const chart of this.#timeCharts) chart.draw(this.#present_s);
  }

  async #createCharts(): Promise<void> {
    if (this.#timeCharts.length > 0) return;
    const { TimeChart } = await import('../charts.ts');
    if (this.#timeCharts.length > 0) return;
    const lanes = this.#lanes().map(({ key }) => key);
    const window_s = this.#window.minutes * 60;
    this.#timeCharts = MEASURES.map((measure, index) => {
      const step_s = measure === 'delay_ms' ? 1 : this.#window.step_s;
      return new TimeChart({
        measure,
        columns: new Columns(measure, lanes, window_s, step_s),
        store: this.#store,
        window_s,
        withTimes: index === MEASURES.length - 1,
        nameOf: (line) => this.#nameOf(line),
        hasRings: (line) => this.#hasRings(line),
      });
    });
    this.#charts.replaceChildren(...this.#timeCharts.map(({ element }) => element));
    this.#draw();
  }

  get #from_s(): number {
    return this.#present_s - this.#window.minutes * 60;
  }

  /** The lines with data: each lane's current transport, and others that it used within the window. */
  #lines(): PlotLineKey[] {
    return this.#lanes().flatMap(({ key, transport }) =>
      TRANSPORTS.filter((each) => each === transport || this.#store.hasRead(key, each, this.#from_s)).map(
        (each) => ({
          lane: key,
          transport: each,
        }),
      ),
    );
  }

  /** The lane's name. For a transport that it no longer uses, both names. */
  #nameOf({ lane: key, transport }: PlotLineKey): string {
    const lane = this.#lanes().find((each) => each.key === key);
    if (lane === undefined || lane.transport === transport) return lane?.name ?? '';
    return strings.plots.ofLane(strings.transports[transport], lane.name);
  }

  #hasRings({ lane, transport }: PlotLineKey): boolean {
    const [first] = this.#lanes();
    if (first === undefined || first.key === lane) return false;
    return first.transport === transport || this.#store.hasRead(first.key, transport, this.#from_s);
  }

  #drawLegend(): void {
    const lines = this.#lines().map((line) => ({
      ...line,
      name: this.#nameOf(line),
      ring: this.#hasRings(line),
    }));
    const key = lines.map(({ name, transport, ring }) => `${name} ${transport} ${ring}`).join();
    if (key === this.#legendKey) return;
    this.#legendKey = key;
    this.#legend.replaceChildren(
      ...lines.map(({ transport, name, ring }) =>
        h(
          'li',
          { 'data-transport': transport, 'data-ring': ring ? '' : null },
          createTransportSwatch(transport),
          name,
        ),
      ),
    );
  }

  /** Describes the window in words. */
  #drawSummary(): void {
    const { plots } = strings;
    const from_s = this.#from_s;
    const messages = this.#store.countMessagesSince(from_s);
    const sentences = this.#lines().map((line) => {
      const { requests, wire_bytes, delay_ms } = this.#store.summarize(line.lane, line.transport, from_s);
      const total = plots.total(
        this.#nameOf(line),
        formatCount(requests),
        requests === 1,
        formatCount(wire_bytes),
      );
      const median =
        delay_ms === null ? '' : plots.median(plots.milliseconds(formatCount(Math.round(delay_ms))));
      return `${total}${median}.`;
    });
    sentences.push(plots.published(formatCount(messages), messages === 1));
    for (const { from_s: paused_s, to_s } of this.#store.pauses) {
      if (to_s >= from_s) sentences.push(plots.restedFrom(formatClockTime(paused_s), formatClockTime(to_s)));
    }
    while (this.#summary.childElementCount > sentences.length) this.#summary.lastElementChild?.remove();
    sentences.forEach((sentence, index) => {
      const item = this.#summary.children[index] ?? this.#summary.appendChild(h('li'));
      setText(item, sentence);
    });
  }

  #windowPicker(id: string): HTMLElement {
    const { plots } = strings;
    const select = h(
      'select',
      { id: `${id}-window` },
      ...WINDOWS.map(({ minutes }) => h('option', { value: minutes }, plots.minutes(minutes))),
    );
    select.addEventListener('change', () => {
      this.#window = WINDOWS.find(({ minutes }) => minutes === Number(select.value)) ?? WINDOWS[0];
      this.rebuild();
    });
    return h('div', { class: 'window' }, h('label', { for: `${id}-window` }, plots.window), select);
  }
}

function formatClockTime(s: number): string {
  return formatTimeOfDay(new Date(s * 1_000).toISOString());
}
