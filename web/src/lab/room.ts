// The room in the page's URL, URLs of other rooms, and the parameters that the page knows.

import { PLAN_PARAMETERS } from './planner/fields.ts';
import { PAGE_PARAMETERS } from './page-settings.ts';
import { URL_PARAMETERS } from './url-settings.ts';

export const LOBBY = 'lobby';

/** The server's rule, escaped so that it also works as the `pattern` of an input. */
export const ROOM_PATTERN = String.raw`[A-Za-z0-9_\-]{1,64}`;

const ROOM = new RegExp(`^${ROOM_PATTERN}$`);

export type RoomChoice = { ok: true; room: string } | { ok: false; given: string };

/** Reads `?room=`; the lobby if it is missing or empty. */
export function parseRoom(search: string): RoomChoice {
  const given = new URLSearchParams(search).get('room') ?? '';
  if (given === '') return { ok: true, room: LOBBY };
  return ROOM.test(given) ? { ok: true, room: given } : { ok: false, given };
}

/** Parameters that stay when the room changes. */
const KEPT_PARAMETERS: readonly string[] = [
  'view',
  'lang',
  'present',
  ...URL_PARAMETERS,
  ...PAGE_PARAMETERS,
  ...PLAN_PARAMETERS,
];

export function selectKeptParameters(search: string): [string, string][] {
  return [...new URLSearchParams(search)].filter(([name]) => KEPT_PARAMETERS.includes(name));
}

/** What mail programs and social networks add to links. */
const ADDED_TO_LINKS = /^(utm_.*|.*clid)$/;

/** The names of parameters that the page ignores, and that may be a mistake. */
export function findUnknownParameters(search: string): string[] {
  const names = new Set(new URLSearchParams(search).keys());
  const known = ['', 'room', ...KEPT_PARAMETERS];
  return [...names].filter((name) => !known.includes(name) && !ADDED_TO_LINKS.test(name));
}

/** The URL that opens `room` with the settings of `page`. */
export function buildRoomUrl(room: string, page: string): string {
  const link = new URL(page);
  link.search = new URLSearchParams([['room', room], ...selectKeptParameters(link.search)]).toString();
  link.hash = '';
  return link.href;
}
