// For a lane that follows another tab's stream: the client for which the server counts its reading.

import type { Lane } from '../lab/lane.ts';
import { h } from './dom.ts';

/** The client whose stream the lane follows; null if it reads by itself. */
export function getSharedClient({ link }: Lane): string | null {
  return link.kind === 'live' && link.fallback?.why === 'shared' ? link.fallback.client : null;
}

/** A client's label, with a link to its figures. */
export function createStatsLink(client: string): HTMLElement {
  return h(
    'a',
    { href: `ledger?client=${client}`, target: '_blank', rel: 'noopener' },
    h('code', {}, client),
  );
}
