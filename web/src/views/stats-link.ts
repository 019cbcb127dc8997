// Whose account a lane's reading is on, where it is another's: that of the tab whose stream it reads along with.

import type { Lane } from '../lab/lane.ts';
import { h } from './dom.ts';

/** Null where the lane pays for itself. */
export function sharedWith({ link }: Lane): string | null {
  return link.kind === 'live' && link.fallback?.why === 'shared' ? link.fallback.client : null;
}

/** The label of a client, leading to its figures. */
export function statsLink(client: string): HTMLElement {
  return h(
    'a',
    { href: `ledger?client=${client}`, target: '_blank', rel: 'noopener' },
    h('code', {}, client),
  );
}
