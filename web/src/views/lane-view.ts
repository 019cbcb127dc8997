// A lane on the page: a region named by its transport, with its picker, its conversation, its cost, and places
// where other parts of the lab stand.

import type { Lane } from '../lab/lane.ts';
import type { Link } from '../client/sources/source.ts';
import { strings } from '../i18n/index.ts';
import type { Transport } from '../client/transport.ts';
import { CostView } from './cost.ts';
import { h, setText } from './dom.ts';
import { GlanceView } from './glance.ts';
import { LogView } from './log.ts';
import { StatusView } from './status.ts';
import { transportPicker } from './transports.ts';

/** Where other parts attach to a lane; an empty place takes no room. */
export interface LanePlaces {
  /** Beside the transport: what else can be chosen for the lane, such as its network. */
  controls: HTMLElement;
  /** Over the conversation: what the reader of this lane must know now. */
  notices: HTMLElement;
  /** Under the conversation, as wide as the lane. */
  diagram: HTMLElement;
}

/** A lane and what is shown of it, for whoever attaches to it. */
export interface ShownLane {
  lane: Lane;
  /** What it begins to read with. */
  first: Transport;
  view: LaneView;
  /** Tells the lanes of one page apart; good for the beginning of an element's id. */
  key: string;
}

export class LaneView {
  readonly element: HTMLElement;
  readonly places: LanePlaces;
  /** Where the page puts it is the page's choice. */
  readonly status: HTMLElement;
  readonly glance = new GlanceView();
  /** What the server says its connection agreed on. */
  readonly showTlsVersion: (version: string | null) => void;
  /** For those who go from heading to heading. */
  readonly #heading = h('h2', { class: 'visually-hidden' });
  readonly #head: HTMLElement;
  readonly #panel: HTMLElement;
  /** What can be set of the lane, where that stands in a sheet of its own. */
  readonly #sheet: HTMLElement;
  readonly #log: LogView;

  constructor(lane: Lane, key: string, first: Transport, columns: 'used' | 'current') {
    const log = new LogView(lane.room);
    const status = new StatusView();
    const cost = new CostView(key, lane, first, columns);
    let tlsVersion: string | null = null;
    const place = (name: string) => h('div', { class: `lane-${name}` });
    this.#log = log;
    this.status = status.element;
    this.places = { controls: place('controls'), notices: place('notices'), diagram: place('diagram') };

    const show = (link: Link, transport: Transport) => status.show(link, transport, lane.interval_s);
    const picker = transportPicker(key, first, lane.interval_s, {
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
    this.name(first, null);

    lane.subscribe({
      messages: (seen, transport) => log.messages(seen, transport),
      own: (cursor, delay) => log.own(cursor, delay),
      gap: (reason) => log.showGap(reason),
      link(link, transport) {
        if (link.kind === 'live') log.started();
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

  /** What this page says is wanted in sight, wherever the reader was. */
  follow(): void {
    this.#log.follow();
  }

  /** Takes the status into the lane itself, where the page has no other place for it. */
  keepStatus(): void {
    if (this.#panel.contains(this.#head)) this.#head.append(this.status);
    else this.#heading.after(this.status);
  }

  /** What can be set of the lane goes to a sheet that all lanes share; null takes it back. */
  putSettings(sheet: HTMLElement | null): void {
    if (sheet === null) {
      this.#heading.after(this.#head);
      this.#sheet.remove();
    } else {
      this.#sheet.append(this.#head);
      sheet.append(this.#sheet);
    }
  }

  /** `place` is where the lane stands, where its transport alone does not tell which it is. */
  name(transport: Transport, place: string | null): void {
    const name = strings.laneName(strings.transports[transport], place);
    for (const each of [this.element, this.#sheet]) each.setAttribute('aria-label', name);
    setText(this.#heading, name);
    this.element.dataset['transport'] = this.#sheet.dataset['transport'] = transport;
  }
}
