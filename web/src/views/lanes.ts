// The picker for the number of lanes.

import { strings } from '../i18n/index.ts';
import { LANE_COUNTS, type View } from '../lab/view.ts';
import { h } from './dom.ts';

const VIEWS = Object.keys(LANE_COUNTS) as View[];

export interface LanesPicker {
  element: HTMLElement;
  /** Chooses a view as if the user had. */
  choose(view: View): void;
}

export function createLanesPicker(chosen: View, choose: (view: View) => void): LanesPicker {
  const radios = VIEWS.map((view) => {
    const radio = h('input', {
      type: 'radio',
      name: 'lanes',
      id: `lanes-${LANE_COUNTS[view]}`,
      value: view,
      checked: view === chosen,
    });
    radio.addEventListener('change', () => choose(view));
    return radio;
  });
  const element = h(
    'fieldset',
    { class: 'lanes-picker', role: 'radiogroup', 'aria-labelledby': 'lanes-legend' },
    h('span', { class: 'lanes-legend', id: 'lanes-legend' }, strings.lanes),
    ...radios.map((radio, at) =>
      h(
        'span',
        { class: 'lane-count' },
        radio,
        h('label', { for: radio.id }, String(LANE_COUNTS[VIEWS[at] ?? 'one'])),
      ),
    ),
  );
  return {
    element,
    choose(view) {
      const radio = radios[VIEWS.indexOf(view)];
      if (radio === undefined || radio.checked) return;
      radio.checked = true;
      choose(view);
    },
  };
}
