// The plots over time: three charts on one time axis, their window, and the same figures in words.
//
// Data is recorded whether the plots are visible or not. The charts are created when they first come into view.

import { count, timeOfDay } from '../../i18n/format.ts';
import { strings } from '../../i18n/index.ts';
import { TRANSPORTS, type Transport } from '../../client/transport.ts';
import { watchSize, watchVisibility } from '../browser.ts';
import { h, setText } from '../dom.ts';
import { onPrint } from '../printing.ts';
import { transportSwatch } from '../transport-swatch.ts';
import type { Chart } from './chart.ts';
import { Columns, type Line } from '../../lab/plots/columns.ts';
import { MEASURES, type PlotStore, SECONDS } from '../../lab/plots/store.ts';

/** The windows to choose from, and the step in which each is drawn. */
const WINDOWS = [
  { minutes: 1, step_s: 2 },
  { minutes: 5, step_s: 5 },
  { minutes: 15, step_s: 15 },
] as const;
/** The last second is not complete yet. */
const BEHIND_S = 1;
const WORDS_EVERY = 2;
/** After this time charts are created even if they were never in view, as print and reports show them too. */
const MAKE_AFTER_MS = 3_000;

export interface PlottedLane {
  key: string;
  /** Its current transport. */
  transport: Transport;
  /** Its name on the page. */
  name: string;
}

export class PlotsView {
  readonly content: HTMLElement[];
  readonly #store: PlotStore;
  readonly #lanes: () => readonly PlottedLane[];
  readonly #charts = h('div', { class: 'plots' });
  readonly #legend = h('ul', { class: 'plot-legend' });
  readonly #words = h('ul', { class: 'plot-words' });
  #window: (typeof WINDOWS)[number] = WINDOWS[0];
  #made: Chart[] = [];
  #inSight = false;
  #legendOf = '';
  #ticks = 0;

  constructor(id: string, store: PlotStore, lanes: () => readonly PlottedLane[]) {
    const { plots } = strings;
    this.#store = store;
    this.#lanes = lanes;
    this.content = [
      h('p', { class: 'explained' }, plots.explained),
      h('div', { class: 'plot-head' }, this.#windowPicker(id), this.#legend),
      this.#charts,
      this.#words,
    ];
    watchVisibility(
      this.#charts,
      (isInSight) => {
        this.#inSight = isInSight;
        if (!isInSight) return;
        // The last drawing may be old.
        this.#draw();
        void this.#make();
      },
      { rootMargin: '200px' },
    );
    watchSize([this.#charts], () => {
      const width = Math.floor(this.#charts.clientWidth);
      if (width > 0) for (const chart of this.#made) chart.resize(width);
    });
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      for (const chart of this.#made) chart.restyle();
    });
    setTimeout(() => void this.#make(), MAKE_AFTER_MS);
    onPrint(() => {
      this.#draw();
      for (const chart of this.#made) chart.restyle();
    });
  }

  /** Pictures of the current plots, each with its name. */
  pictures(): { name: string; canvas: HTMLCanvasElement }[] {
    this.#draw();
    return this.#made.flatMap((chart) => chart.picture ?? []);
  }

  /** Call when the lanes or the window have changed. */
  rebuild(): void {
    for (const chart of this.#made) chart.end();
    this.#made = [];
    this.#charts.replaceChildren();
    this.#ticks = 0;
    this.#name();
    if (this.#inSight) void this.#make();
    else setTimeout(() => void this.#make(), MAKE_AFTER_MS);
    this.#say();
  }

  /** Call once a second. */
  tick(): void {
    this.#name();
    if (this.#ticks++ % WORDS_EVERY === 0) this.#say();
    if (this.#inSight) this.#draw();
  }

  /** Call when the tab is visible again. */
  resumed(): void {
    this.#ticks = 0;
    this.tick();
  }

  get #present_s(): number {
    return (this.#store.times[SECONDS - 1] ?? 0) - BEHIND_S;
  }

  #draw(): void {
    for (const chart of this.#made) chart.draw(this.#present_s);
  }

  async #make(): Promise<void> {
    if (this.#made.length > 0) return;
    const { Chart } = await import('../charts.ts');
    if (this.#made.length > 0) return;
    const lanes = this.#lanes().map(({ key }) => key);
    const window_s = this.#window.minutes * 60;
    this.#made = MEASURES.map((measure, index) => {
      const step_s = measure === 'delay_ms' ? 1 : this.#window.step_s;
      return new Chart({
        measure,
        columns: new Columns(measure, lanes, window_s, step_s),
        store: this.#store,
        window_s,
        withTimes: index === MEASURES.length - 1,
        nameOf: (line) => this.#nameOf(line),
        isRinged: (line) => this.#isRinged(line),
      });
    });
    this.#charts.replaceChildren(...this.#made.map(({ element }) => element));
    this.#draw();
  }

  get #from_s(): number {
    return this.#present_s - this.#window.minutes * 60;
  }

  /** The lines with data: each lane's current transport, and others that it used within the window. */
  #lines(): Line[] {
    return this.#lanes().flatMap(({ key, transport }) =>
      TRANSPORTS.filter((each) => each === transport || this.#store.has(key, each, this.#from_s)).map(
        (each) => ({
          lane: key,
          transport: each,
        }),
      ),
    );
  }

  /** The lane's name. For a transport that it no longer uses, both names. */
  #nameOf({ lane: key, transport }: Line): string {
    const lane = this.#lanes().find((each) => each.key === key);
    if (lane === undefined || lane.transport === transport) return lane?.name ?? '';
    return strings.plots.ofLane(strings.transports[transport], lane.name);
  }

  #isRinged({ lane, transport }: Line): boolean {
    const [first] = this.#lanes();
    if (first === undefined || first.key === lane) return false;
    return first.transport === transport || this.#store.has(first.key, transport, this.#from_s);
  }

  #name(): void {
    const lines = this.#lines().map((line) => ({
      ...line,
      name: this.#nameOf(line),
      ring: this.#isRinged(line),
    }));
    const of = lines.map(({ name, transport, ring }) => `${name} ${transport} ${ring}`).join();
    if (of === this.#legendOf) return;
    this.#legendOf = of;
    this.#legend.replaceChildren(
      ...lines.map(({ transport, name, ring }) =>
        h(
          'li',
          { 'data-transport': transport, 'data-ring': ring ? '' : null },
          transportSwatch(transport),
          name,
        ),
      ),
    );
  }

  /** Describes the window in words. */
  #say(): void {
    const { plots } = strings;
    const from_s = this.#from_s;
    const messages = this.#store.messagesSince(from_s);
    const sentences = this.#lines().map((line) => {
      const { requests, wire_bytes, delay_ms } = this.#store.total(line.lane, line.transport, from_s);
      const total = plots.total(this.#nameOf(line), count(requests), requests === 1, count(wire_bytes));
      const median = delay_ms === null ? '' : plots.median(plots.milliseconds(count(Math.round(delay_ms))));
      return `${total}${median}.`;
    });
    sentences.push(plots.published(count(messages), messages === 1));
    for (const { from_s: rested_s, to_s } of this.#store.pauses) {
      if (to_s >= from_s) sentences.push(plots.restedFrom(clock(rested_s), clock(to_s)));
    }
    while (this.#words.childElementCount > sentences.length) this.#words.lastElementChild?.remove();
    sentences.forEach((sentence, index) => {
      const item = this.#words.children[index] ?? this.#words.appendChild(h('li'));
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

function clock(s: number): string {
  return timeOfDay(new Date(s * 1_000).toISOString());
}
