// The page for an invalid room name in the URL.

import { LOBBY, buildRoomUrl } from '../lab/room.ts';
import { strings } from '../i18n/index.ts';
import { h } from './dom.ts';
import { createRoomForm, createWordmark } from './header.ts';

/** How much of the given name is shown. */
const SHOWN = 80;

export function showInvalidRoom(app: HTMLElement, given: string): void {
  document.title = strings.badRoomTitle;
  const characters = Array.from(given);
  const shown = characters.length > SHOWN ? `${characters.slice(0, SHOWN).join('')}…` : given;
  app.replaceChildren(
    h(
      'main',
      { class: 'bad-room' },
      createWordmark(),
      h('h2', {}, strings.badRoomTitle),
      h('p', {}, h('bdi', {}, strings.quoted(shown)), ' ', strings.badRoom),
      h('p', {}, h('a', { class: 'way-on', href: buildRoomUrl(LOBBY, location.href) }, strings.badRoomWayOn)),
      h('p', { class: 'other' }, strings.badRoomOther),
      createRoomForm(''),
    ),
  );
}
