// A lane on the page: a region named by its transport, with its picker, its conversation, its cost, and places for
// plugins.

import type { Lane } from '../lab/lane.ts';
import type { Link } from '../client/sources/source.ts';
import { strings } from '../i18n/index.ts';
import type { Transport } from '../client/transport.ts';
import { CostView } from './cost.ts';
import { h, setText } from './dom.ts';
import { GlanceView } from './glance.ts';
import { LogView } from './log.ts';
import { StatusView } from './status.ts';
import { createTransportPicker } from './transports.ts';

/** Where plugins put their elements. An empty place takes no space. */
export interface LanePlaces {
  /** Beside the transport: further settings of the lane, such as its network. */
  controls: HTMLElement;
  /** Above the conversation: notices about this lane. */
  notices: HTMLElement;
  /** Below the conversation, as wide as the lane. */
  diagram: HTMLElement;
}

/** A lane with its view. */
export interface PageLane {
  lane: Lane;
  /** The transport that it begins with. */
  first: Transport;
  view: LaneView;
  /** Unique within the page; the prefix of the ids of its elements. */
  key: string;
}

export class LaneView {
  readonly element: HTMLElement;
  readonly places: LanePlaces;
  /** The page decides where to put it. */
  readonly status: HTMLElement;
  readonly glance = new GlanceView();
  /** Call with the TLS version that the server reports. */
  readonly showTlsVersion: (version: string | null) => void;
  /** For screen readers, which navigate by headings. */
  readonly #heading = h('h2', { class: 'visually-hidden' });
  readonly #head: HTMLElement;
  readonly #panel: HTMLElement;
  /** Holds the lane's settings while they are in the settings sheet. */
  readonly #sheet: HTMLElement;
  readonly #log: LogView;
  readonly #cost: HTMLElement;

  constructor(lane: Lane, key: string, first: Transport, columns: 'used' | 'current') {
    const log = new LogView(lane.room);
    const status = new StatusView();
    const cost = new CostView(key, lane, first, columns);
    let tlsVersion: string | null = null;
    const place = (name: string) => h('div', { class: `lane-${name}` });
    this.#log = log;
    this.#cost = cost.element;
    this.status = status.element;
    this.places = { controls: place('controls'), notices: place('notices'), diagram: place('diagram') };

    const show = (link: Link, transport: Transport) => status.show(link, transport, lane.interval_s);
    const picker = createTransportPicker(key, first, lane.interval_s, {
      transport: (transport) => lane.use(transport),
      interval: (seconds) => lane.setInterval(seconds),
      intervalChosen: () => show(lane.link, lane.transport ?? first),
    });
    this.#head = h('div', { class: 'lane-head' }, picker, this.places.controls);
    this.#panel = h(
      'div',
      { class: 'lane-panel' },
      this.#heading,
      this.#head,
      this.glance.element,
      cost.element,
    );
    this.#sheet = h('div', { class: 'lane-settings', role: 'group' });
    this.element = h(
      'section',
      { class: 'lane', 'data-transport': first },
      this.#panel,
      h('div', { class: 'lane-log' }, this.places.notices, log.element),
      this.places.diagram,
    );
    this.setName(first, null);

    lane.network.subscribe({ fault: (fault) => status.showFault(fault) });
    lane.subscribe({
      messages: (seen, transport) => log.addMessages(seen, transport),
      own: (cursor, delay) => log.setOwnDelay(cursor, delay),
      gap: (reason) => log.showGap(reason),
      link(link, transport) {
        if (link.kind === 'live') log.markStarted();
        show(link, transport);
      },
      stats() {
        const [protocol] = lane.stats.protocols[lane.transport ?? first].slice(-1);
        if (protocol !== undefined) status.showProtocol(protocol, tlsVersion);
      },
      client: () => (tlsVersion = null),
    });
    this.showTlsVersion = (version) => (tlsVersion = version);
  }

  /** Scrolls the log to its end. */
  scrollToEnd(): void {
    this.#log.scrollToEnd();
  }

  /** Whether another lane has messages that this one lacks. */
  setWaiting(isWaiting: boolean): void {
    this.#log.setWaiting(isWaiting);
  }

  /** Puts the status into the lane itself. */
  keepStatus(): void {
    if (this.#panel.contains(this.#head)) this.#head.append(this.status);
    else this.#heading.after(this.status);
  }

  /**
   * Puts the cost where it is shown, as the focus and screen readers follow the order of the document: a single lane has
   * it in its panel, several have it below the conversation and the diagram.
   */
  putCost(isSingle: boolean): void {
    (isSingle ? this.#panel : this.element).append(this.#cost);
  }

  /** Moves the lane's settings to a sheet that all lanes share; null moves them back. */
  putSettings(sheet: HTMLElement | null): void {
    if (sheet === null) {
      this.#heading.after(this.#head);
      this.#sheet.remove();
    } else {
      this.#sheet.append(this.#head);
      sheet.append(this.#sheet);
    }
  }

  /** `place` is the lane's position, if another lane has the same transport. */
  setName(transport: Transport, place: string | null): void {
    const name = strings.laneName(strings.transports[transport], place);
    for (const each of [this.element, this.#sheet]) each.setAttribute('aria-label', name);
    setText(this.#heading, name);
    this.element.dataset['transport'] = this.#sheet.dataset['transport'] = transport;
  }
}
