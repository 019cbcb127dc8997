// A select in a lane's settings, with its label and explanation.

import { h } from './dom.ts';

export interface LaneChoice {
  readonly element: HTMLElement;
  readonly select: HTMLSelectElement;
  readonly explained: HTMLElement;
}

export function createLaneChoice(
  id: string,
  label: string,
  options: readonly HTMLOptionElement[],
  explanation: string,
): LaneChoice {
  const explained = h('p', { class: 'lane-choice-explained', id: `${id}-explained` }, explanation);
  const select = h('select', { id, 'aria-describedby': `${id}-explained`, autocomplete: 'off' }, ...options);
  const element = h('div', { class: 'lane-choice' }, h('label', { for: id }, label), select, explained);
  return { element, select, explained };
}
