// What the signs of the diagram mean.

import { strings } from '../strings/index.ts';
import { h } from '../ui/dom.ts';
import { sampleOf } from './arrow.ts';
import { svg } from './svg.ts';

const WIDTH_PX = 64;
const HEIGHT_PX = 16;

export function key(): HTMLElement {
  const { diagram } = strings;
  const { keys } = diagram;
  const entry = (sign: SVGElement, words: string) =>
    h(
      'li',
      {},
      svg('svg', { width: WIDTH_PX, height: HEIGHT_PX, 'aria-hidden': 'true', class: 'key-sign' }, sign),
      words,
    );
  const arrow = (look: Parameters<typeof sampleOf>[0], words: string) =>
    entry(sampleOf(look, { browser: 6, server: WIDTH_PX - 6 }, HEIGHT_PX / 2), words);
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
  return h(
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
      block('held', keys.held),
      block('open', keys.open),
    ),
  );
}
