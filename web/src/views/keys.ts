// Keyboard shortcuts for presenters, the dialog that lists them, and present mode, which shows only the lanes and the
// verdict, enlarged.

import type { Fault } from '../lab/fault.ts';
import { strings } from '../i18n/index.ts';
import { putParameter } from './browser.ts';
import { h } from './dom.ts';
import type { PageLane } from './lane-view.ts';
import type { TrafficControl } from './traffic.ts';

/** The fault that the shortcut sets; it only affects streams. */
const FAULT: Fault = 'buffer';
/** The parameter of the address; its only value is 1. */
export const PRESENT_PARAMETER = 'present';

export interface ShortcutParts {
  page: HTMLElement;
  traffic: TrafficControl;
  lanes(): readonly PageLane[];
  pause(): void;
}

export interface PresenterControls {
  /** The buttons for the settings. */
  settings: HTMLElement;
  /** Ends present mode, which hides the settings. Visible only in present mode. */
  leave: HTMLElement;
}

/** Installs the shortcuts. */
export function installShortcuts({ page, traffic, lanes, pause }: ShortcutParts): PresenterControls {
  const isPresenting = () => page.hasAttribute('data-present');
  const present = (on: boolean) => {
    page.toggleAttribute('data-present', on);
    putParameter(PRESENT_PARAMETER, on ? '1' : null);
    window.dispatchEvent(new Event('resize'));
    moveFocus(on ? [leave] : [enter, document.querySelector<HTMLElement>('.settings-button')]);
  };
  const isHealthy = () => lanes().every(({ lane }) => lane.network.fault === 'healthy');
  const actions: Record<string, () => void> = {
    p: () => present(!isPresenting()),
    t: () => traffic.choose(traffic.pattern === null ? 'chatty' : null),
    b: () => traffic.choose('burst'),
    f: () => {
      const fault = isHealthy() ? FAULT : 'healthy';
      for (const { lane } of lanes()) lane.network.setFault(fault);
    },
    ' ': pause,
    '?': () => list.showModal(),
  };

  const on = h('input', { type: 'checkbox', role: 'switch', id: 'keys-on', checked: true });
  const close = h('button', { type: 'button' }, strings.keys.close);
  const list = h(
    'dialog',
    { class: 'keys', 'aria-labelledby': 'keys-title' },
    h('h2', { id: 'keys-title' }, strings.keys.title),
    h(
      'dl',
      {},
      ...Object.entries(strings.keys.acts).flatMap(([key, act]) => [
        h('dt', {}, h('kbd', {}, key)),
        h('dd', {}, act),
      ]),
    ),
    h('div', { class: 'switch' }, on, h('label', { for: 'keys-on' }, strings.keys.on)),
    close,
  );
  close.addEventListener('click', () => list.close());
  page.after(list);

  document.addEventListener('keydown', (event) => {
    const { key, target } = event;
    const isModified = event.ctrlKey || event.metaKey || event.altKey || event.isComposing;
    if (isModified || list.open || event.defaultPrevented) return;
    // Not a single character, so it works even if those are switched off.
    if (key === 'Escape' && isPresenting()) return present(false);
    if (!(on.checked || key === '?')) return;
    if (target instanceof Element && target.closest('input:not([type=radio]), textarea, select')) return;
    // Space activates the focused element.
    if (key === ' ' && target !== document.body) return;
    const act = actions[key.toLowerCase()];
    if (act === undefined) return;
    event.preventDefault();
    act();
  });

  const button = (name: string, act: (() => void) | undefined) => {
    const element = h('button', { type: 'button', class: 'quiet' }, name);
    element.addEventListener('click', () => act?.());
    return element;
  };
  const enter = button(strings.keys.present, () => present(true));
  const leave = button(strings.keys.leavePresent, () => present(false));
  leave.classList.add('leave-present');
  if (new URLSearchParams(location.search).get(PRESENT_PARAMETER) === '1')
    page.toggleAttribute('data-present', true);
  return {
    settings: h('div', { class: 'presenter' }, enter, button(strings.keys.title, actions['?'])),
    leave,
  };
}

/** Moves the focus to the first visible element, if the focused one has become hidden. */
function moveFocus(elements: readonly (HTMLElement | null)[]): void {
  const { activeElement } = document;
  const isLost = activeElement !== document.body && activeElement?.getClientRects().length === 0;
  if (isLost) elements.find((each) => each !== null && each.getClientRects().length > 0)?.focus();
}
