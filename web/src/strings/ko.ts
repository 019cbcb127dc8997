// Korean, gathered from its parts.

import type { Strings } from './en.ts';
import { chat } from './ko/chat.ts';
import { lane } from './ko/lane.ts';
import { network } from './ko/network.ts';
import { page } from './ko/page.ts';
import { pictures } from './ko/pictures.ts';
import { planner } from './ko/planner.ts';

export const ko: Strings = { ...page, ...chat, ...lane, ...network, ...pictures, ...planner };
