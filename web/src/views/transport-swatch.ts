// The sign of a transport: polling is a dotted line, long-polling a dashed one, SSE a solid one. The stylesheet defines
// shape and colour.

import type { Transport } from '../client/transport.ts';
import { h } from './dom.ts';

export function createTransportSwatch(transport: Transport): HTMLElement {
  return h('span', { class: 'line', 'data-transport': transport, 'aria-hidden': 'true' });
}
