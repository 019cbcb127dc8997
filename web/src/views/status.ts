// How the lane is doing, in a few words.

import type { Detour, Link } from '../client/sources/source.ts';
import { strings } from '../i18n/index.ts';
import type { Transport } from '../client/transport.ts';
import { h, setText } from './dom.ts';
import { line } from './transport-swatch.ts';

/** A connection that is there sooner than this needs no word about it. */
const PATIENCE_MS = 400;

export class StatusView {
  readonly element: HTMLElement;
  readonly #text: HTMLElement;
  readonly #why: HTMLElement;
  #line: HTMLElement = line('poll');
  #patience: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    this.#text = h('span', { class: 'status-text' }, strings.connecting);
    this.#why = h('span', { class: 'status-why' });
    this.element = h(
      'div',
      { class: 'status' },
      this.#line,
      h('p', { role: 'status' }, this.#text, ' ', this.#why),
    );
  }

  show(link: Link, transport: Transport, interval_s: number): void {
    clearTimeout(this.#patience);
    const detour = link.kind === 'live' ? link.detour : undefined;
    this.#line.dataset['transport'] = polls(detour) ? 'poll' : transport;
    const show = (text: string, why: string | null) => {
      this.element.dataset['link'] = link.kind;
      setText(this.#text, text);
      setText(this.#why, why ?? '');
    };
    switch (link.kind) {
      case 'connecting':
        this.#patience = setTimeout(() => show(strings.connecting, null), PATIENCE_MS);
        break;
      case 'live':
        show(detour === undefined ? strings.live[transport](interval_s) : detourText(detour), null);
        break;
      case 'reconnecting':
        show(strings.reconnecting, strings.reconnectingWhy[link.why](link.detail));
    }
  }
}

function polls(detour: Detour | undefined): boolean {
  return detour?.why === 'shared' ? detour.polls : detour?.why === 'mute' || detour?.why === 'crowded';
}

function detourText(detour: Detour): string {
  return detour.why === 'shared' ? strings.detour.shared(detour.polls) : strings.detour[detour.why];
}
