// All English strings.

import { announcer } from './en/announcer.ts';
import { chat } from './en/chat.ts';
import { comparison } from './en/comparison.ts';
import { keys } from './en/keys.ts';
import { lane } from './en/lane.ts';
import { network } from './en/network.ts';
import { pageNotice } from './en/notice.ts';
import { page } from './en/page.ts';
import { pictures } from './en/timeline.ts';
import { planner } from './en/planner.ts';
import { presence } from './en/presence.ts';
import { share } from './en/share.ts';
import { skipLinks } from './en/skip-links.ts';
import { tour } from './en/tour.ts';
import { traffic } from './en/traffic.ts';

export const en = {
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

export type Strings = typeof en;
