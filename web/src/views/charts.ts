// All charts on a canvas, as one chunk that is loaded when the first plot comes into view.

export { TimeChart } from './plots/chart.ts';
export { CurveChart } from './planner/chart.ts';
