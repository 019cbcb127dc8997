// Every part of the page that stands beside the conversations. Each attaches itself here, and only here, to lanes
// and to the page; it listens by `lane.subscribe` and builds into the places it is given.

import { announcer } from './announcer.ts';
import { cookie } from './cookie.ts';
import type { LabPlugin } from './lab-plugin.ts';
import { network } from './network.ts';
import { planner } from './planner.ts';
import { protocol } from './protocol.ts';
import { result } from './result.ts';
import { timeline } from './timeline.ts';

const PLUGINS: readonly LabPlugin[] = [network, protocol, cookie, result, timeline, planner, announcer];

export const plugins: Required<LabPlugin> = {
  lane: (shown) => PLUGINS.forEach((each) => each.lane?.(shown)),
  page: (page) => PLUGINS.forEach((each) => each.page?.(page)),
  view: (lanes, view) => PLUGINS.forEach((each) => each.view?.(lanes, view)),
};
