// The planner: its form, the answer as a sentence, the table, and three charts, which are created when they come into
// view. The server computes the plan.

import { strings } from '../../i18n/index.ts';
import { TRANSPORTS } from '../../client/transport.ts';
import { type Question, parseQuestion, STACK_PARAMETER, withQuestion } from '../../lab/planner/fields.ts';
import type { ObservedTraffic } from '../../lab/planner/observed-traffic.ts';
import type { CurveAxis, Plan } from '../../lab/planner/plan.ts';
import { PlanRequests } from '../../lab/planner/requests.ts';
import { replaceAddress, watchSize, watchVisibility } from '../browser.ts';
import { h, setText } from '../dom.ts';
import { onPrint } from '../printing.ts';
import { createTransportSwatch } from '../transport-swatch.ts';
import type { CurveChart } from './chart.ts';
import { PlannerForm } from './form.ts';
import { PlanTable } from './table.ts';
import {
  describeAnswer,
  describeExtrapolation,
  describeConsequences,
  describeOrigin,
  describeStep,
} from './sentences.ts';

const CURVE_AXES = ['max_delay_s', 'rate', 'clients'] as const satisfies readonly CurveAxis[];
/** After this time charts are created even if they were never in view, as a printed page shows them too. */
const CREATE_AFTER_MS = 3_000;
/** The number of clients for the question about the lab's own traffic. */
const MANY_CLIENTS = 50_000;

/** Returns the lanes' traffic and their shortest polling interval; null if there was too little traffic. */
export type Observe = () => (ObservedTraffic & { interval_s: number }) | null;

export class PlannerView {
  readonly content: HTMLElement[];
  readonly #form: PlannerForm;
  readonly #table = new PlanTable();
  readonly #answer = h('p', { class: 'plan-answer' });
  readonly #consequences = h('ul', { class: 'plan-words' });
  readonly #beyond = h('ul', { class: 'plan-beyond' });
  readonly #failed = h('p', { class: 'plan-failed', 'aria-live': 'polite' });
  readonly #step = h('p', { class: 'explained plan-step' });
  readonly #source = h('p', { class: 'source' });
  readonly #curves = h('div', { class: 'curves' });
  readonly #figures: HTMLElement;
  readonly #requests: PlanRequests;
  #charts: CurveChart[] = [];
  #plan: Plan | null = null;

  /** Calls `reportUnknown` if the address contains a parameter with a value that the server does not know. */
  constructor(id: string, observe: Observe, reportUnknown: (name: string, value: string) => void) {
    const { planner } = strings;
    this.#requests = new PlanRequests({
      answer: (_question, plan) => this.#show(plan),
      failed: ({ stack }, problem) => {
        if (problem?.field === 'stack') {
          reportUnknown(STACK_PARAMETER, stack);
          return this.#form.chooseOwnServer();
        }
        this.#fail(problem?.detail ?? (this.#plan === null ? planner.noAnswerYet : planner.noAnswer));
      },
    });
    this.#form = new PlannerForm(id, parseQuestion(location.search).question, (question) =>
      this.#ask(question),
    );
    this.#figures = h(
      'div',
      { class: 'plan-figures', 'data-stale': true },
      h('div', { class: 'plan-said', 'aria-live': 'polite' }, this.#answer),
      this.#table.element,
      h('div', { class: 'plan-more' }, this.#consequences),
    );
    this.content = [
      h('p', { class: 'explained' }, planner.explained),
      h('div', { class: 'plan' }, this.#form.element, this.#fillButton(observe), this.#failed, this.#figures),
      this.#beyond,
      h(
        'ul',
        { class: 'plot-legend' },
        ...TRANSPORTS.map((transport) =>
          h(
            'li',
            { 'data-transport': transport },
            createTransportSwatch(transport),
            strings.transports[transport],
          ),
        ),
      ),
      this.#curves,
      this.#step,
      h('details', { class: 'plan-source' }, h('summary', {}, planner.howSure), this.#source),
    ];
    this.#form.ask();
    watchVisibility(this.#curves, (isInView) => void (isInView && this.#createCharts()), {
      rootMargin: '200px',
    });
    watchSize([this.#curves], () => this.#charts.forEach((chart) => chart.resize()));
    const restyle = () => this.#charts.forEach((chart) => chart.restyle());
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', restyle);
    setTimeout(() => void this.#createCharts(), CREATE_AFTER_MS);
    onPrint(restyle);
  }

  /** A button that fills in the lab's own traffic, for many clients. */
  #fillButton(observe: Observe): HTMLElement {
    const { planner } = strings;
    const button = h('button', { type: 'button', class: 'quiet' }, planner.sameForMany(MANY_CLIENTS));
    const announcement = h('span', { class: 'plan-filled', 'aria-live': 'polite' });
    button.addEventListener('click', () => {
      const observed = observe();
      setText(announcement, observed === null ? planner.nothingObserved : planner.filled);
      if (observed === null) return;
      this.#form.fill({
        clients: MANY_CLIENTS,
        rate: Number(observed.rate.toPrecision(2)),
        size: Math.round(observed.size_bytes),
        max_delay: observed.interval_s,
      });
    });
    return h('p', { class: 'plan-fill' }, button, ' ', announcement);
  }

  /** Without a question the last answer stays, marked as stale. */
  #ask(question: Question | null): void {
    this.#figures.toggleAttribute('data-stale', true);
    setText(this.#failed, '');
    if (question === null) return this.#requests.cancel();
    replaceAddress(withQuestion(location.href, question));
    this.#requests.request(question);
  }

  #fail(sentence: string): void {
    setText(this.#failed, sentence);
    this.#figures.toggleAttribute('data-stale', true);
  }

  #show(plan: Plan): void {
    this.#plan = plan;
    setText(this.#failed, '');
    this.#figures.toggleAttribute('data-stale', false);
    this.#form.setStacks(plan.stacks);
    setText(this.#answer, describeAnswer(plan));
    this.#table.show(plan);
    this.#consequences.replaceChildren(...describeConsequences(plan).map((text) => h('li', {}, text)));
    this.#beyond.replaceChildren(
      ...plan.beyond.map((extrapolation) => h('li', {}, describeExtrapolation(extrapolation))),
    );
    const step = describeStep(plan);
    this.#step.hidden = step === null;
    setText(this.#step, step ?? '');
    setText(this.#source, describeOrigin(plan.model));
    this.#draw();
  }

  #draw(): void {
    const plan = this.#plan;
    if (plan === null) return;
    this.#charts.forEach((chart) => {
      const curve = plan.curves.find(({ over }) => over === chart.over);
      if (curve !== undefined) chart.draw(plan, curve);
    });
  }

  async #createCharts(): Promise<void> {
    if (this.#charts.length > 0) return;
    const { CurveChart } = await import('../charts.ts');
    if (this.#charts.length > 0) return;
    this.#charts = CURVE_AXES.map((over) => new CurveChart(over));
    this.#curves.replaceChildren(...this.#charts.map(({ element }) => element));
    this.#draw();
  }
}
