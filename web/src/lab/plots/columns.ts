// Aggregates the store's seconds into the steps of a plot's window.
//
// The arrays are allocated once per window and refilled for each drawing.

import { TRANSPORTS, type Transport } from '../../client/transport.ts';
import { type PlotMeasure, type PlotStore, SECONDS, type Series } from './store.ts';

/** A step that was counted for less than this part is a gap, as its rate would look like a drop or a jump. */
const MIN_COVERAGE = 0.8;

/** A line of a plot. */
export interface PlotLineKey {
  lane: string;
  transport: Transport;
}

export class Columns {
  readonly lines: readonly PlotLineKey[];
  /** Times in seconds since the Unix epoch, then the values of each line. */
  readonly data: [number[], ...Series[]];
  readonly #measure: PlotMeasure;
  readonly #step_s: number;

  /** `step_s` is 1 for delays, which do not add up. */
  constructor(measure: PlotMeasure, lanes: readonly string[], window_s: number, step_s: number) {
    this.#measure = measure;
    this.#step_s = step_s;
    this.lines = lanes.flatMap((lane) => TRANSPORTS.map((transport) => ({ lane, transport })));
    // One more column, so that the first line segment begins outside of the window.
    const length = Math.min(Math.floor(window_s / step_s), Math.floor(SECONDS / step_s) - 1) + 1;
    const values = this.lines.map(() => new Array<number | null>(length).fill(null));
    this.data = [new Array<number>(length).fill(0), ...values];
  }

  /** Fills in all complete steps. Rates are per second, at the middle of their step. */
  fill(store: PlotStore): void {
    const step_s = this.#step_s;
    const [times, ...values] = this.data;
    const present_s = (store.times[SECONDS - 1] ?? 0) + 1;
    // The server's figures are requested once a second, so the last two seconds are incomplete.
    const known_s = step_s === 1 ? present_s : present_s - 2;
    const end_s = Math.floor(known_s / step_s) * step_s;
    const first = SECONDS - (present_s - end_s) - times.length * step_s;
    for (let column = 0; column < times.length; column++)
      times[column] = end_s - (times.length - column - 0.5) * step_s;
    values.forEach((series, line) => {
      const { lane, transport } = this.lines[line] ?? { lane: '', transport: 'poll' };
      const seconds = store.lane(lane)[this.#measure][transport];
      const covered_ms = this.#measure === 'delay_ms' ? null : store.countedMs(lane);
      for (let column = 0; column < series.length; column++) {
        let sum: number | null = null;
        let counted_s = covered_ms === null ? 1 : 0;
        for (let second = 0; second < step_s; second++) {
          const at = first + column * step_s + second;
          const value = seconds[at] ?? null;
          if (value !== null) sum = (sum ?? 0) + value;
          if (covered_ms !== null) counted_s += (covered_ms[at] ?? 0) / 1_000;
        }
        series[column] = sum === null || counted_s < MIN_COVERAGE * step_s ? null : sum / counted_s;
      }
    });
  }
}
