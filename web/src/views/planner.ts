// The plugin that adds the planner to the page, and measures the lanes' traffic for it.

import { TrafficMeter } from '../lab/planner/observed-traffic.ts';
import { INTERVAL_S } from '../lab/interval-scale.ts';
import { strings } from '../i18n/index.ts';
import { PlannerView } from './planner/view.ts';
import type { LabPlugin } from './lab-plugin.ts';
import type { PageLane } from './lane-view.ts';

const meters = new Map<PageLane['lane'], TrafficMeter>();

export const planner: LabPlugin = {
  lane({ lane }) {
    const meter = new TrafficMeter(performance.now());
    meters.set(lane, meter);
    lane.subscribe({
      messages(seen, _transport, at_ms) {
        // Messages from before the lane began are not its traffic.
        for (const { message, delay } of seen) if (delay !== null) meter.record(message.text, at_ms);
      },
    });
  },

  page({ panels, lanes, reportUnknown }) {
    const observe = () => {
      const shown = lanes().map(({ lane }) => lane);
      const now_ms = performance.now();
      const observed = shown.map((lane) => meters.get(lane)?.current(now_ms)).find((each) => each);
      if (observed === null || observed === undefined) return null;
      const intervals = shown.filter(({ transport }) => transport === 'poll').map((lane) => lane.interval_s);
      return {
        ...observed,
        interval_s: Math.min(...intervals, intervals.length === 0 ? INTERVAL_S.initial : Infinity),
      };
    };
    panels.add(
      'planner',
      strings.planner.title,
      ...new PlannerView('planner', observe, reportUnknown).content,
    );
  },
};
