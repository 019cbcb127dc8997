// The lanes of the page: each view has its own, created when it is first shown. Lanes of a view begin at the same
// moment and with the same history, so that their figures cover the same time.

import type { HttpVersion } from '../client/http-version.ts';
import type { Transport } from '../client/transport.ts';
import { strings } from '../i18n/index.ts';
import { ServerClock } from '../lab/clock.ts';
import { fetchHistory } from '../lab/history.ts';
import { Lane } from '../lab/lane.ts';
import { Network } from '../lab/network.ts';
import type { LaneSettings } from '../lab/url-settings.ts';
import { getLanePositions } from '../lab/verdict.ts';
import type { View } from '../lab/view.ts';
import { LaneView, type PageLane } from './lane-view.ts';
import { applyProtocols, getRequestedProtocols } from './protocol.ts';

/** The keys of each view's lanes. */
const KEYS: Record<View, readonly string[]> = {
  one: ['one'],
  both: ['left', 'right'],
  three: ['first', 'second', 'third'],
};

export interface ManagedLane extends PageLane {
  /** The transport that it uses when its view is shown. */
  transport: Transport;
  /** Whether it has the history from before it began. */
  hasHistory: boolean;
  /** How many of this page's own messages it has not seen yet. */
  expected: number;
}

export interface PageLanesListener {
  /** A lane was created, and does not read yet. */
  created(lane: PageLane): void;
  /** A lane's transport, or its number of expected messages, has changed. */
  changed(): void;
  /** A lane's network has another fault, whoever chose it. */
  faultChanged(): void;
  /** The lanes of another view were stopped. */
  stopped(): void;
  /** Lanes request protocols that are unavailable. */
  protocolsMissing(versions: readonly HttpVersion[]): void;
}

export class PageLanes {
  view: View;
  readonly #room: string;
  readonly #settings: Readonly<Record<View, readonly LaneSettings[]>>;
  readonly #listener: PageLanesListener;
  readonly #clock = new ServerClock();
  readonly #created: Partial<Record<View, ManagedLane[]>> = {};

  constructor(
    room: string,
    view: View,
    settings: Readonly<Record<View, readonly LaneSettings[]>>,
    listener: PageLanesListener,
  ) {
    this.#room = room;
    this.view = view;
    this.#settings = settings;
    this.#listener = listener;
  }

  /** The lanes of the current view. */
  get current(): readonly ManagedLane[] {
    const { view } = this;
    return (this.#created[view] ??= this.#settings[view].map((settings, at) =>
      this.#create(KEYS[view][at] ?? view, settings),
    ));
  }

  /** All lanes that were created so far. */
  get all(): readonly ManagedLane[] {
    return Object.values(this.#created).flat();
  }

  /** The client to name when publishing. Polls send their author themselves; an open stream cannot. */
  get writer(): string | null {
    const writer = this.current.find(({ transport }) => transport === 'stream') ?? this.current[0];
    return writer?.lane.client ?? null;
  }

  /** The settings of the current lanes, for the address. */
  get settings(): LaneSettings[] {
    const protocols = getRequestedProtocols(this.current.map(({ lane }) => lane));
    return this.current.map(({ lane, transport }, at) => ({
      transport,
      interval_s: lane.interval_s,
      stallTimeout_s: lane.network.chosenStallTimeout_s,
      fault: lane.network.fault,
      connection: lane.connection,
      cookie_kib: lane.cookie_kib,
      protocol: protocols[at] ?? 'page',
    }));
  }

  /** Call when this page has published a message, which it sent at `sent_ms` by `performance.now()`. */
  recordSent(cursor: string, sent_ms: number): void {
    for (const { lane } of this.current) lane.recordSent(cursor, sent_ms);
  }

  /** Sets the author of the lanes' requests, for presence; null for none. */
  setAuthor(author: string | null): void {
    for (const { lane } of this.current) lane.setParameters({ author });
  }

  /** Starts the current lanes with the same history, for which no lane pays. Those of other views read until then. */
  async start(): Promise<void> {
    const lanes = this.current;
    const fresh = lanes.filter(({ hasHistory }) => !hasHistory);
    const missing = await applyProtocols(fresh.map(({ lane }) => lane));
    if (missing.length > 0) this.#listener.protocolsMissing(missing);
    const history = fresh.length === 0 ? null : await fetchHistory(this.#room);
    for (const each of fresh) {
      if (history !== null && !each.hasHistory) each.lane.seed(history, each.transport);
      each.hasHistory = true;
    }
    // The view may have changed in the meantime.
    if (lanes !== this.current) return;
    // Not only those of the last view: it may have been left before its own lanes had started.
    const others = this.all.filter((each) => !lanes.includes(each) && each.lane.transport !== null);
    for (const { lane } of others) lane.stop();
    if (others.length > 0) this.#listener.stopped();
    for (const { lane, transport } of lanes) lane.use(transport);
  }

  #create(key: string, settings: LaneSettings): ManagedLane {
    const { transport, interval_s, stallTimeout_s, fault, connection, cookie_kib, protocol } = settings;
    const lane = new Lane({
      room: this.#room,
      clock: this.#clock,
      shareKey: key,
      network: new Network(stallTimeout_s),
    });
    lane.setInterval(interval_s);
    if (connection === 'close') lane.setParameters({ connection });
    lane.cookie_kib = cookie_kib;
    lane.protocol = protocol;
    const view = new LaneView(lane, key, transport, this.view === 'one' ? 'used' : 'current');
    const created: ManagedLane = {
      lane,
      key,
      view,
      first: transport,
      transport,
      hasHistory: false,
      expected: 0,
    };
    lane.subscribe({
      transport: (chosen) => {
        created.transport = chosen;
        this.#setNames();
        this.#listener.changed();
      },
      expected: (messages) => {
        created.expected = messages;
        this.#listener.changed();
      },
    });
    this.#listener.created(created);
    if (fault !== 'healthy') lane.network.setFault(fault);
    lane.network.subscribe({ fault: () => this.#listener.faultChanged() });
    return created;
  }

  /** Gives each lane a unique name: with its position, if a lane before it has the same transport. */
  #setNames(): void {
    const named = new Set<Transport>();
    const positions = getLanePositions(this.current.length);
    this.current.forEach(({ view, transport }, at) => {
      const position = positions[at];
      const isTaken = named.has(transport) && position !== undefined;
      view.setName(transport, isTaken ? strings.places[position] : null);
      named.add(transport);
    });
  }
}
