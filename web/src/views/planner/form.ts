// The form of the planner's question. A number out of range is reported beside its input.

import { strings } from '../../i18n/index.ts';
import { h, setText } from '../dom.ts';
import {
  FIELDS,
  type Field,
  type Question,
  QUESTION_FIELDS,
  SERVER_FIELDS,
  type ArrivalPattern,
  clampToField,
  parseField,
  SPACINGS,
} from '../../lab/planner/fields.ts';
import type { StackName } from '../../lab/planner/plan.ts';

interface FieldInput {
  readonly input: HTMLInputElement;
  readonly error: HTMLElement;
}

export class PlannerForm {
  readonly element: HTMLElement;
  readonly #inputs = new Map<Field, FieldInput>();
  readonly #spacing: HTMLSelectElement;
  readonly #stack: HTMLSelectElement;
  readonly #onChange: (question: Question | null) => void;

  /** Calls `onChange` with each new question, or with null if an input is invalid. */
  constructor(id: string, first: Question, onChange: (question: Question | null) => void) {
    const { planner } = strings;
    this.#onChange = onChange;
    this.#spacing = h(
      'select',
      { id: `${id}-spacing` },
      ...SPACINGS.map((each) =>
        h('option', { value: each, selected: each === first.spacing }, planner.spacings[each]),
      ),
    );
    this.#stack = h('select', { id: `${id}-stack` });
    this.#fillStacks(first.stack === '' ? [] : [{ name: first.stack, title: first.stack }], first.stack);
    const field = (name: Field) => this.#field(`${id}-${name}`, name, first.values[name]);
    this.element = h(
      'form',
      { class: 'plan-form', novalidate: true },
      h(
        'div',
        { class: 'plan-fields' },
        ...QUESTION_FIELDS.map(field),
        h('div', { class: 'plan-field' }, h('label', { for: `${id}-stack` }, planner.stack), this.#stack),
      ),
      h(
        'details',
        { class: 'plan-servers' },
        h('summary', {}, planner.servers),
        h(
          'div',
          { class: 'plan-fields' },
          ...SERVER_FIELDS.map(field),
          h(
            'div',
            { class: 'plan-field' },
            h('label', { for: `${id}-spacing` }, planner.spacing),
            this.#spacing,
          ),
        ),
      ),
    );
    this.element.addEventListener('input', () => this.ask());
    this.element.addEventListener('submit', (event) => event.preventDefault());
  }

  /** Sets the servers to choose from; the chosen one stays. */
  setStacks(stacks: readonly StackName[]): void {
    if (this.#stack.options.length !== stacks.length + 1) this.#fillStacks(stacks, this.#stack.value);
  }

  /** Chooses this server, because the address names one that is not known, and asks. */
  chooseOwnServer(): void {
    this.#fillStacks([], '');
    this.ask();
  }

  #fillStacks(stacks: readonly StackName[], chosen: string): void {
    this.#stack.replaceChildren(
      h('option', { value: '', selected: chosen === '' }, strings.planner.ownServer),
      // Titles are names, which are not translated.
      ...stacks.map(({ name, title }) =>
        h('option', { value: name, selected: name === chosen, lang: 'en' }, title),
      ),
    );
  }

  /** Fills in `values`, as near as the fields' ranges allow, and asks. */
  fill(values: Partial<Record<Field, number>>): void {
    for (const [name, { input }] of this.#inputs) {
      const value = values[name];
      if (value !== undefined) input.value = String(clampToField(name, value));
    }
    this.ask();
  }

  /** Asks the current question. */
  ask(): void {
    const values: Partial<Record<Field, number>> = {};
    let isValid = true;
    for (const [name, { input, error }] of this.#inputs) {
      const value = parseField(name, input.value);
      const { min, max } = FIELDS[name];
      setText(error, value === null ? strings.planner.outOfRange(min, max) : '');
      if (value === null) {
        input.setAttribute('aria-invalid', 'true');
        // An error must be visible.
        input.closest('details')?.toggleAttribute('open', true);
        isValid = false;
      } else {
        input.removeAttribute('aria-invalid');
        values[name] = value;
      }
    }
    const spacing = this.#spacing.value as ArrivalPattern;
    const stack = this.#stack.value;
    this.#onChange(isValid ? { values: values as Record<Field, number>, spacing, stack } : null);
  }

  #field(id: string, name: Field, value: number): HTMLElement {
    const { planner } = strings;
    const { min, max } = FIELDS[name];
    const input = h('input', {
      id,
      type: 'number',
      inputmode: 'decimal',
      step: 'any',
      min,
      max,
      value,
      autocomplete: 'off',
      'aria-describedby': `${id}-unit ${id}-error`,
    });
    const error = h('span', { class: 'plan-error', id: `${id}-error` });
    this.#inputs.set(name, { input, error });
    return h(
      'div',
      { class: 'plan-field' },
      h('label', { for: id }, planner.fields[name]),
      input,
      h('span', { class: 'plan-unit', id: `${id}-unit` }, planner.units[name]),
      error,
    );
  }
}
