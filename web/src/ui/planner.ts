// The planner on the page: what a number of clients would cost, computed from the calibrated model.

import { PlannerView } from '../planner/view.ts';
import { strings } from '../strings/index.ts';
import type { Attachment } from './attachments.ts';

export const planner: Attachment = {
  page({ panels }) {
    panels.add('planner', strings.planner.title, ...new PlannerView('planner').content);
  },
};
