// The page for an invalid room name in the URL.

import { LOBBY, roomLink } from '../lab/room.ts';
import { strings } from '../i18n/index.ts';
import { h } from './dom.ts';
import { roomForm, wordmark } from './header.ts';

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
      wordmark(),
      h('h2', {}, strings.badRoomTitle),
      h('p', {}, h('bdi', {}, strings.quoted(shown)), ' ', strings.badRoom),
      h('p', {}, h('a', { class: 'way-on', href: roomLink(LOBBY, location.href) }, strings.badRoomWayOn)),
      h('p', { class: 'other' }, strings.badRoomOther),
      roomForm(''),
    ),
  );
}
