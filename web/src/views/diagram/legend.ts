// The legend of the diagram.

import { strings } from '../../i18n/index.ts';
import { h } from '../dom.ts';
import type { Transport } from '../../client/transport.ts';
import { createSample } from './arrow.ts';
import { svg } from './svg.ts';

const WIDTH_PX = 64;
const HEIGHT_PX = 16;

/** `use` draws the signs in the style of the transport: dotted, dashed or solid. */
export function createLegend(): { element: HTMLElement; use: (transport: Transport) => void } {
  const { diagram } = strings;
  const { keys } = diagram;
  const entry = (sign: SVGElement, words: string) =>
    h(
      'li',
      {},
      svg('svg', { width: WIDTH_PX, height: HEIGHT_PX, 'aria-hidden': 'true', class: 'key-sign' }, sign),
      words,
    );
  const arrow = (style: Parameters<typeof createSample>[0], words: string) =>
    entry(createSample(style, { browser: 6, server: WIDTH_PX - 6 }, HEIGHT_PX / 2), words);
  const wait = (words: string) =>
    entry(svg('rect', { class: 'wait', x: WIDTH_PX - 9, y: 0, width: 6, height: HEIGHT_PX }), words);
  const block = (kind: 'held' | 'open', words: string) =>
    entry(
      svg('rect', {
        class: kind === 'open' ? 'span-open spans-open' : 'span-held',
        ...(kind === 'open'
          ? { x: 6, y: 0, width: WIDTH_PX - 12, height: HEIGHT_PX }
          : { x: WIDTH_PX - 9, y: 0, width: 6, height: HEIGHT_PX }),
      }),
      words,
    );
  const element = h(
    'details',
    { class: 'key' },
    h('summary', {}, diagram.key),
    h(
      'ul',
      {},
      arrow('request', keys.request),
      arrow('messages', keys.messages),
      arrow('empty', keys.empty),
      arrow('push', keys.push),
      arrow('keep-alive', keys.small),
      arrow('opened', keys.opened),
      arrow('closed', keys.closed),
      arrow('published', keys.published),
      wait(keys.wait),
      block('held', keys.held),
      block('open', keys.open),
    ),
  );
  return {
    element,
    use(transport) {
      // A stream has no answers, and only a stream has pushes, so these signs always use a transport that has them.
      const answers = transport === 'stream' ? 'poll' : transport;
      const of: Record<string, Transport> = { push: 'stream', messages: answers, empty: answers };
      for (const sign of element.querySelectorAll<SVGElement>('.arrow'))
        sign.dataset['transport'] = of[sign.dataset['look'] ?? ''] ?? transport;
    },
  };
}
