// All Korean strings.

import type { Strings } from './en.ts';
import { announcer } from './ko/announcer.ts';
import { chat } from './ko/chat.ts';
import { comparison } from './ko/comparison.ts';
import { keys } from './ko/keys.ts';
import { lane } from './ko/lane.ts';
import { network } from './ko/network.ts';
import { pageNotice } from './ko/notice.ts';
import { page } from './ko/page.ts';
import { pictures } from './ko/timeline.ts';
import { planner } from './ko/planner.ts';
import { presence } from './ko/presence.ts';
import { share } from './ko/share.ts';
import { skipLinks } from './ko/skip-links.ts';
import { tour } from './ko/tour.ts';
import { traffic } from './ko/traffic.ts';

export const ko: Strings = {
  ...page,
  ...chat,
  ...lane,
  ...comparison,
  ...network,
  ...traffic,
  ...pictures,
  ...planner,
  ...share,
  announcer,
  keys,
  pageNotice,
  presence,
  skipLinks,
  tour,
};
