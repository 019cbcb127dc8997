// The status of a lane's connection.

import type { Fallback, Link } from '../client/sources/source.ts';
import type { Fault } from '../lab/fault.ts';
import type { Protocol } from '../lab/ledger.ts';
import { strings } from '../i18n/index.ts';
import type { Transport } from '../client/transport.ts';
import { h, setText } from './dom.ts';
import { createTransportSwatch } from './transport-swatch.ts';

/** A connection that opens sooner than this is not reported as connecting. */
const SHOW_DELAY_MS = 400;

/** A connection that is back sooner than this is lost without a reason, which would move the page each time. */
const REASON_DELAY_MS = 3_000;

export class StatusView {
  readonly element: HTMLElement;
  readonly #text: HTMLElement;
  readonly #why: HTMLElement;
  readonly #protocol = h('span', { class: 'status-protocol' });
  readonly #fault = h('span', { class: 'status-fault', hidden: true });
  #swatch: HTMLElement = createTransportSwatch('poll');
  #showTimer: ReturnType<typeof setTimeout> | undefined;
  /** Since when there is no connection; null while there is one. */
  #lost_ms: number | null = null;

  constructor() {
    this.#text = h('span', { class: 'status-text' }, strings.connecting);
    this.#why = h('span', { class: 'status-why' });
    this.element = h(
      'div',
      { class: 'status' },
      this.#swatch,
      h('p', { role: 'status' }, this.#text, ' ', this.#why),
      this.#protocol,
      this.#fault,
    );
  }

  /** `protocol` is what the server reports for the requests; `tlsVersion` is null if unknown. */
  showProtocol(protocol: Protocol, tlsVersion: string | null): void {
    const name = strings.protocols[protocol];
    const isKnown = tlsVersion !== null && protocol.endsWith('+tls');
    setText(this.#protocol, strings.overProtocol(isKnown ? strings.tlsVersion(name, tlsVersion) : name));
  }

  /** Names the fault of the lane's network, as its picker may be out of sight. */
  showFault(fault: Fault): void {
    this.#fault.hidden = fault === 'healthy';
    setText(this.#fault, fault === 'healthy' ? '' : strings.networks[fault]);
  }

  show(link: Link, transport: Transport, interval_s: number): void {
    clearTimeout(this.#showTimer);
    const fallback = link.kind === 'live' ? link.fallback : undefined;
    this.#swatch.dataset['transport'] = usesPolls(fallback) ? 'poll' : transport;
    const show = (text: string, why: string | null) => {
      this.element.dataset['link'] = link.kind;
      setText(this.#text, text);
      setText(this.#why, why ?? '');
    };
    if (link.kind === 'live') this.#lost_ms = null;
    switch (link.kind) {
      case 'connecting':
        this.#showTimer = setTimeout(() => show(strings.connecting, null), SHOW_DELAY_MS);
        break;
      case 'live':
        show(fallback === undefined ? strings.live[transport](interval_s) : describeFallback(fallback), null);
        break;
      case 'reconnecting': {
        const why = strings.reconnectingWhy[link.why](link.detail);
        const now_ms = performance.now();
        this.#lost_ms ??= now_ms;
        const early_ms = link.why === 'network' ? this.#lost_ms + REASON_DELAY_MS - now_ms : 0;
        show(strings.reconnecting, early_ms > 0 ? null : why);
        if (early_ms > 0) this.#showTimer = setTimeout(() => show(strings.reconnecting, why), early_ms);
      }
    }
  }
}

function usesPolls(fallback: Fallback | undefined): boolean {
  return fallback?.why === 'shared'
    ? fallback.polls
    : fallback?.why === 'mute' || fallback?.why === 'crowded';
}

function describeFallback(fallback: Fallback): string {
  return fallback.why === 'shared' ? strings.fallback.shared(fallback.polls) : strings.fallback[fallback.why];
}
