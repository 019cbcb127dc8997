// All that draws on a canvas, in one file of its own: it is loaded when the first plot is in sight.

export { Chart } from './plots/chart.ts';
export { CurveChart } from './planner/chart.ts';
