// The list of people in the room with their transports, and of departures with the time they took to be noticed.

import { type Departure, DepartureTiming } from '../lab/departure-timing.ts';
import { formatTenths } from '../i18n/format.ts';
import { openDepartureChannel } from '../lab/departure-channel.ts';
import type { Lane } from '../lab/lane.ts';
import type { PresentClient, Presence } from '../client/presence.ts';
import { strings } from '../i18n/index.ts';
import type { Transport } from '../client/transport.ts';
import { DepartureDemo } from '../lab/departure-demo.ts';
import { h, isolate, setText } from './dom.ts';
import type { PageLane } from './lane-view.ts';
import { createTransportSwatch } from './transport-swatch.ts';

/** How many departures are listed. */
const MAX_DEPARTURES = 6;
/** The demonstration ends after this even if presence never showed that its visitors left. */
const MAX_DEMO_MS = 60_000;

export class PresenceView {
  readonly toggle: HTMLButtonElement;
  readonly element: HTMLElement;
  readonly #room: string;
  readonly #lanes: () => readonly PageLane[];
  readonly #departures = new DepartureTiming();
  readonly #people = h('ul', { class: 'people' });
  readonly #departureList = h('ul', {
    class: 'gone',
    'aria-live': 'polite',
    'aria-label': strings.presence.departures,
  });
  readonly #note = h('p', { class: 'presence-note' }, strings.presence.presenceAwaited);
  readonly #visit: HTMLButtonElement;
  readonly #attached: Lane[] = [];
  #isOpen = false;
  /** The latest presence, as a stream only sends changes. */
  #latest: Presence | null = null;
  #demo: DepartureDemo | null = null;
  #demoTimer: ReturnType<typeof setTimeout> | undefined;
  /** How long the visitors' departures took to be noticed. */
  readonly #noticed = new Map<Transport, number>();

  constructor(room: string, lanes: () => readonly PageLane[]) {
    this.#room = room;
    this.#lanes = lanes;
    this.toggle = h(
      'button',
      {
        class: 'quiet presence-toggle',
        type: 'button',
        'aria-expanded': 'false',
        'aria-controls': 'presence',
      },
      strings.presence.whoIsHere,
    );
    this.#visit = h('button', { class: 'quiet', type: 'button' }, strings.presence.visit);
    this.element = h(
      'section',
      { class: 'presence', id: 'presence', 'aria-label': strings.presence.whoIsHere, hidden: true },
      h('div', { class: 'presence-here' }, this.#people, this.#visit),
      this.#note,
      this.#departureList,
      h('p', { class: 'presence-explained' }, strings.presence.presenceExplained),
    );
    this.toggle.addEventListener('click', () => this.#show(!this.#isOpen));
    this.#visit.addEventListener('click', () => this.#startDemo());
    openDepartureChannel(
      () => lanes().map(({ lane }) => lane.client),
      (client, at_ms) => this.#departures.recordDeparture(client, at_ms),
    );
    window.addEventListener('pagehide', () => this.#demo?.leave());
  }

  /** Subscribes to a lane; call before it begins to read. */
  attach({ lane }: PageLane): void {
    let client = lane.client;
    let isReading = false;
    const recordLeave = () => {
      if (isReading) this.#departures.recordDeparture(client, performance.now());
      isReading = false;
    };
    lane.subscribe({
      presence: (presence, at_ms) => this.#update(presence, at_ms),
      transport: () => (isReading = true),
      stopped: recordLeave,
      client(label) {
        recordLeave();
        client = label;
        isReading = true;
      },
    });
    this.#attached.push(lane);
    if (this.#isOpen) lane.setParameters({ presence: 1 });
  }

  /** Forgets the presence, as the view has changed and other lanes read. */
  pause(): void {
    this.#departures.pause();
    this.#latest = null;
    this.#endDemo();
  }

  #show(open: boolean): void {
    this.#isOpen = open;
    this.element.hidden = !open;
    this.toggle.setAttribute('aria-expanded', String(open));
    for (const lane of this.#attached) {
      lane.setParameters({ presence: open ? 1 : null });
      // When the list closes, polls leave out presence from the next request on. A stream must be opened again
      // without it.
      if (open || lane.transport === 'stream') lane.restart();
    }
    if (!open) {
      // Nothing updates the number any more.
      setText(this.toggle, strings.presence.whoIsHere);
      this.#endDemo();
    } else if (this.#latest !== null) this.#draw(this.#latest);
  }

  #startDemo(): void {
    this.#visit.disabled = true;
    this.#noticed.clear();
    setText(this.#note, strings.presence.visiting);
    this.#demo = new DepartureDemo(this.#room, strings.presence.visitor, (client) =>
      this.#departures.recordDeparture(client, performance.now()),
    );
    this.#demo.join();
    this.#demoTimer = setTimeout(() => this.#endDemo(), MAX_DEMO_MS);
  }

  #endDemo(): void {
    if (this.#demo === null) return;
    clearTimeout(this.#demoTimer);
    this.#demo.leave();
    this.#demo = null;
    this.#visit.disabled = false;
    setText(this.#note, '');
  }

  #update(presence: Presence, at_ms: number): void {
    const departures = this.#departures.update(presence, at_ms);
    // A client that is back is no longer listed as departed.
    for (const { client } of presence.present)
      this.#departureList.querySelector(`[data-client="${client}"]`)?.remove();
    this.#demo?.update(presence);
    this.#latest = presence;
    if (!this.#isOpen) return;
    setText(this.toggle, strings.presence.whoIsHereCount(presence.count));
    this.#draw(presence);
    for (const departure of departures) this.#showDeparture(departure);
  }

  #draw({ count, present }: Presence): void {
    const own = new Set(this.#lanes().map(({ lane }) => lane.client));
    const others = count - present.length;
    this.#people.replaceChildren(
      ...present.map((reader) =>
        h(
          'li',
          { 'data-transport': reader.transport, title: `${describeReader(reader)} · ${reader.client}` },
          reader.transport === null ? null : createTransportSwatch(reader.transport),
          h(
            'bdi',
            {},
            reader.author ?? (own.has(reader.client) ? strings.presence.thisPage : strings.presence.nameless),
          ),
          h('span', { class: 'by-transport' }, describeReader(reader)),
          reader.author !== null && own.has(reader.client)
            ? h('span', { class: 'you' }, strings.presence.thisPage)
            : null,
        ),
      ),
      ...(others > 0 ? [h('li', {}, strings.presence.othersToo(others))] : []),
    );
    if (this.#note.textContent === strings.presence.presenceAwaited) setText(this.#note, '');
  }

  #showDeparture({ reader, noticed_ms }: Departure): void {
    const isOwn = this.#attached.some(({ client }) => client === reader.client);
    const name = reader.author ?? (isOwn ? strings.presence.thisPage : reader.client);
    const transport = getTransportName(reader);
    const text = (name: string) =>
      noticed_ms === null
        ? strings.presence.left(name, transport)
        : strings.presence.leftNoticed(name, transport, noticed_ms);
    this.#departureList.prepend(
      h(
        'li',
        { 'data-transport': reader.transport, 'data-client': reader.client },
        reader.transport === null ? null : createTransportSwatch(reader.transport),
        h('span', {}, ...isolate(text, name)),
      ),
    );
    while (this.#departureList.childElementCount > MAX_DEPARTURES)
      this.#departureList.lastElementChild?.remove();
    this.#compareVisitors(reader.client, noticed_ms);
  }

  /** Both visitors left at the same moment, so the two times show how the transports differ. */
  #compareVisitors(client: string, noticed_ms: number | null): void {
    const lanes = Object.entries(this.#demo?.lanes ?? {}) as [Transport, { client: string }][];
    const transport = lanes.find(([, lane]) => lane.client === client)?.[0];
    if (transport === undefined || noticed_ms === null) return;
    this.#noticed.set(transport, noticed_ms);
    const [poll, stream] = [this.#noticed.get('poll'), this.#noticed.get('stream')];
    if (poll === undefined || stream === undefined) return;
    this.#endDemo();
    if (poll > stream)
      setText(
        this.#note,
        strings.presence.noticedLonger(poll - stream, formatTenths(poll / Math.max(1, stream))),
      );
  }
}

function getTransportName({ transport }: PresentClient): string {
  return transport === null ? strings.presence.unknownTransport : strings.transports[transport];
}

function describeReader(reader: PresentClient): string {
  const name = getTransportName(reader);
  return reader.through === null ? name : strings.presence.throughTab(name);
}
