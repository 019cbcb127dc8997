// The store's seconds, put together to the steps that a window is drawn in: the arrays a plot is given.
//
// They are made once for a window and filled anew each time; nothing is allocated while it runs.

import { TRANSPORTS, type Transport } from '../../client/transport.ts';
import { type PlotMeasure, type PlotStore, SECONDS, type Series } from './store.ts';

/** A step of which less was counted is a gap: a rate of a part would be drawn as a fall, or as a jump. */
const WHOLE = 0.8;

/** A line of a plot. */
export interface Line {
  lane: string;
  transport: Transport;
}

export class Columns {
  readonly lines: readonly Line[];
  /** Times in seconds since the Unix epoch, then the values of each line. */
  readonly data: [number[], ...Series[]];
  readonly #measure: PlotMeasure;
  readonly #step_s: number;

  /** `step_s` is 1 for delays, which do not add up. */
  constructor(measure: PlotMeasure, lanes: readonly string[], window_s: number, step_s: number) {
    this.#measure = measure;
    this.#step_s = step_s;
    this.lines = lanes.flatMap((lane) => TRANSPORTS.map((transport) => ({ lane, transport })));
    // One more, so that the first one in sight has one before it to come from.
    const length = Math.min(Math.floor(window_s / step_s), Math.floor(SECONDS / step_s) - 1) + 1;
    const values = this.lines.map(() => new Array<number | null>(length).fill(null));
    this.data = [new Array<number>(length).fill(0), ...values];
  }

  /** The newest step that is known whole, and those before it. Rates are per second, in the middle of their step. */
  fill(store: PlotStore): void {
    const step_s = this.#step_s;
    const [times, ...values] = this.data;
    const present_s = (store.times[SECONDS - 1] ?? 0) + 1;
    // What the server counts is asked for once a second, so the last two are not.
    const known_s = step_s === 1 ? present_s : present_s - 2;
    const end_s = Math.floor(known_s / step_s) * step_s;
    const first = SECONDS - (present_s - end_s) - times.length * step_s;
    for (let column = 0; column < times.length; column++)
      times[column] = end_s - (times.length - column - 0.5) * step_s;
    values.forEach((series, line) => {
      const { lane, transport } = this.lines[line] ?? { lane: '', transport: 'poll' };
      const seconds = store.lane(lane)[this.#measure][transport];
      const covered = this.#measure === 'delay_ms' ? null : store.hasData(lane);
      for (let column = 0; column < series.length; column++) {
        let sum: number | null = null;
        let counted_s = covered === null ? 1 : 0;
        for (let second = 0; second < step_s; second++) {
          const at = first + column * step_s + second;
          const value = seconds[at] ?? null;
          if (value !== null) sum = (sum ?? 0) + value;
          if (covered !== null) counted_s += (covered[at] ?? 0) / 1_000;
        }
        series[column] = sum === null || counted_s < WHOLE * step_s ? null : sum / counted_s;
      }
    });
  }
}
