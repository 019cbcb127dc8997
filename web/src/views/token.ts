// The settings' field for an access token, for a server that requires one.

import { hasToken, setToken } from '../lab/token.ts';
import { strings } from '../i18n/index.ts';
import { h, setText } from './dom.ts';

/** Calls `changed` when requests carry another token. */
export function createTokenField(changed: () => void): HTMLElement {
  const input = h('input', {
    id: 'token',
    type: 'password',
    autocomplete: 'off',
    spellcheck: 'false',
    'aria-describedby': 'token-state',
  });
  const state = h('span', { id: 'token-state', class: 'token-state', role: 'status' });
  const showState = () => setText(state, hasToken() ? strings.tokenInUse : '');
  const form = h(
    'form',
    { class: 'room-form token-form' },
    h('label', { for: 'token' }, strings.token),
    input,
    h('button', { class: 'quiet', type: 'submit' }, strings.useToken),
    state,
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    setToken(input.value);
    input.value = '';
    showState();
    changed();
  });
  showState();
  return form;
}
