// The planner: what was asked, the table, sentences, and three plots, which are made when they come into sight.

import { strings } from '../../i18n/index.ts';
import { TRANSPORTS } from '../../client/transport.ts';
import { watchSize, watchVisibility } from '../browser.ts';
import { h } from '../dom.ts';
import { onPrint } from '../printing.ts';
import { transportSwatch } from '../transport-swatch.ts';
import type { CurveChart } from './chart.ts';
import { type Over, curveOf } from '../../lab/planner/curves.ts';
import { PlannerForm } from './form.ts';
import { MODEL } from '../../lab/planner/model.ts';
import { type Plan, planOf } from '../../lab/planner/plan.ts';
import type { Question } from '../../lab/planner/question.ts';
import { PlanTable } from './table.ts';
import { beyondOf, sourceOf, wordsOf } from './sentences.ts';

const PLOTS = ['max_delay_s', 'rate', 'clients'] as const satisfies readonly Over[];

/** Then charts are made even if they have not been in sight: paper has them too. */
const MAKE_AFTER_MS = 3_000;

export class PlannerView {
  readonly content: HTMLElement[];
  readonly #form: PlannerForm;
  readonly #table = new PlanTable();
  readonly #words = h('div', { class: 'plan-words', 'aria-live': 'polite' });
  readonly #beyond = h('ul', { class: 'plan-beyond' });
  readonly #curves = h('div', { class: 'curves' });
  readonly #figures: HTMLElement;
  #charts: CurveChart[] = [];
  #asked: { question: Question; plan: Plan } | null = null;

  constructor(id: string) {
    const { planner } = strings;
    this.#form = new PlannerForm(id, (question) => this.#answer(question));
    this.#figures = h('div', { class: 'plan-figures' }, this.#words, this.#table.element, this.#beyond);
    this.content = [
      h('p', { class: 'explained' }, planner.explained),
      h('div', { class: 'plan' }, this.#form.element, this.#figures),
      h(
        'ul',
        { class: 'plot-legend' },
        ...TRANSPORTS.map((transport) =>
          h('li', { 'data-transport': transport }, transportSwatch(transport), strings.transports[transport]),
        ),
      ),
      this.#curves,
      h('p', { class: 'source' }, sourceOf(MODEL)),
    ];
    this.#form.ask();
    watchVisibility(this.#curves, (isInSight) => void (isInSight && this.#make()), { rootMargin: '200px' });
    watchSize([this.#curves], () => this.#charts.forEach((chart) => chart.resize()));
    const restyle = () => this.#charts.forEach((chart) => chart.restyle());
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', restyle);
    setTimeout(() => void this.#make(), MAKE_AFTER_MS);
    onPrint(restyle);
  }

  /** Without a question the last answer stays, and is marked as the last. */
  #answer(question: Question | null): void {
    this.#figures.toggleAttribute('data-stale', question === null);
    if (question === null) return;
    const plan = planOf(MODEL, question);
    this.#asked = { question, plan };
    this.#table.show(plan);
    this.#words.replaceChildren(...wordsOf(question, plan).map((text) => h('p', {}, text)));
    this.#beyond.replaceChildren(...plan.beyond.map((one) => h('li', {}, beyondOf(one))));
    this.#draw();
  }

  #draw(): void {
    if (this.#asked === null) return;
    const { question, plan } = this.#asked;
    this.#charts.forEach((chart, index) =>
      chart.draw(curveOf(MODEL, question, plan.break_even, PLOTS[index] ?? 'clients')),
    );
  }

  async #make(): Promise<void> {
    if (this.#charts.length > 0) return;
    const { CurveChart } = await import('./chart.ts');
    if (this.#charts.length > 0) return;
    this.#charts = PLOTS.map((over) => new CurveChart(over));
    this.#curves.replaceChildren(...this.#charts.map(({ element }) => element));
    this.#draw();
  }
}
