// The planner on the page: what a number of clients would cost, computed from the calibrated model.

import { PlannerView } from './planner/view.ts';
import { strings } from '../i18n/index.ts';
import type { LabPlugin } from './lab-plugin.ts';

export const planner: LabPlugin = {
  page({ panels }) {
    panels.add('planner', strings.planner.title, ...new PlannerView('planner').content);
  },
};
