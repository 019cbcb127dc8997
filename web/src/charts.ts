// The charts of both panels, in one file of the built page: neither is needed at first, and they share uPlot.

export { CurveChart } from './planner/chart.ts';
export { Chart } from './plots/chart.ts';
