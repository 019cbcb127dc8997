// English, gathered from its parts.

import { chat } from './en/chat.ts';
import { lane } from './en/lane.ts';
import { network } from './en/network.ts';
import { page } from './en/page.ts';
import { pictures } from './en/pictures.ts';
import { planner } from './en/planner.ts';

export const en = { ...page, ...chat, ...lane, ...network, ...pictures, ...planner };

export type Strings = typeof en;
