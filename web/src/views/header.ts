// The header of the page, and the controls of the room: its form and the button that copies its link.

import { selectKeptParameters, LOBBY, ROOM_PATTERN, buildRoomUrl } from '../lab/room.ts';
import { strings } from '../i18n/index.ts';
import { copyText } from './browser.ts';
import { h, setText } from './dom.ts';

const MESSAGE_MS = 2_000;

export function createWordmark(): HTMLElement {
  const { poll, vs, sse } = strings.wordmark;
  return h(
    'h1',
    { class: 'wordmark' },
    h('span', { 'data-transport': 'poll' }, poll),
    ' ',
    h('span', { class: 'vs' }, vs),
    ' ',
    h('span', { 'data-transport': 'stream' }, sse),
  );
}

export function createHeader(...more: HTMLElement[]): HTMLElement {
  return h('header', { class: 'top' }, createWordmark(), ...more);
}

export function createRoomControls(room: string): HTMLElement {
  return h('div', { class: 'room' }, createRoomForm(room), createCopyLink(room));
}

/** A plain form: the browser loads the page of the other room, with the same settings. */
export function createRoomForm(room: string): HTMLFormElement {
  const createHiddenFields = () =>
    selectKeptParameters(location.search).map(([name, value]) => h('input', { type: 'hidden', name, value }));
  const input = h('input', {
    id: 'room',
    name: 'room',
    value: room,
    placeholder: LOBBY,
    pattern: ROOM_PATTERN,
    title: strings.roomRule,
    autocapitalize: 'none',
    autocomplete: 'off',
    spellcheck: 'false',
  });
  const hiddenFields = h('span', { hidden: true }, ...createHiddenFields());
  const form = h(
    'form',
    { class: 'room-form', method: 'get', action: './' },
    hiddenFields,
    h('label', { for: 'room' }, strings.room),
    input,
    h('button', { class: 'quiet', type: 'submit' }, strings.go),
  );
  form.addEventListener('submit', () => hiddenFields.replaceChildren(...createHiddenFields()));
  return form;
}

function createCopyLink(room: string): HTMLElement {
  const button = h('button', { class: 'quiet', type: 'button' }, strings.copyLink);
  const announcement = h('span', { class: 'visually-hidden', 'aria-live': 'polite' });
  const shown = h('p', { class: 'link-shown', hidden: true });
  let timer: ReturnType<typeof setTimeout> | undefined;
  button.addEventListener('click', () => {
    const link = buildRoomUrl(room, location.href);
    void copyText(link).then((isCopied) => {
      shown.hidden = isCopied;
      // Without a clipboard, the link is shown so that the user can copy it.
      if (!isCopied) return shown.replaceChildren(strings.linkIs, ' ', h('a', { href: link }, link));
      setText(button, strings.linkCopied);
      setText(announcement, strings.linkCopied);
      clearTimeout(timer);
      timer = setTimeout(() => {
        setText(button, strings.copyLink);
        setText(announcement, '');
      }, MESSAGE_MS);
    });
  });
  return h('div', { class: 'share' }, button, announcement, shown);
}
