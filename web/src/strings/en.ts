// English, gathered from its parts.

import { chat } from './en/chat.ts';
import { lane } from './en/lane.ts';
import { page } from './en/page.ts';
import { pictures } from './en/pictures.ts';

export const en = { ...page, ...chat, ...lane, ...pictures };

export type Strings = typeof en;
