// The planner on the page: what a number of clients would cost, computed from the calibrated model.

import { PlannerView } from './planner/view.ts';
import { strings } from '../i18n/index.ts';
import type { Attachment } from './plugins.ts';

export const planner: Attachment = {
  page({ panels }) {
    panels.add('planner', strings.planner.title, ...new PlannerView('planner').content);
  },
};
