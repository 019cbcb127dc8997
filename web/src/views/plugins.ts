// All plugins. A plugin attaches itself to lanes and to the page only through `LabPlugin`.

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
