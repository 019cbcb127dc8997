// The page: one room, read by one lane or by several side by side.
//
// Each view has its own lanes; those of the other views are stopped. Lanes side by side begin at the same moment, so
// that their figures cover the same time.

import { type LaneSettings, parseSettings, withSettings, type InvalidSetting } from '../lab/url-settings.ts';
import { findRefusedFeatures } from '../lab/browser-features.ts';
import { ServerClock } from '../lab/clock.ts';
import { fetchHistory } from '../lab/history.ts';
import { Lane } from '../lab/lane.ts';
import { Network } from '../lab/network.ts';
import { parsePageSettings } from '../lab/page-settings.ts';
import { Outbox } from '../lab/outbox.ts';
import { isNewerVersion } from '../lab/update-check.ts';
import { publish } from '../lab/publish.ts';
import { strings } from '../i18n/index.ts';
import { isKnown } from '../i18n/language.ts';
import type { Transport } from '../client/transport.ts';
import { getLanePositions } from '../lab/verdict.ts';
import { type View, parseView, withView } from '../lab/view.ts';
import { plugins } from './plugins.ts';
import { getRequestedProtocols, applyProtocols } from './protocol.ts';
import { replaceAddress } from './browser.ts';
import { ComparisonView } from './comparison.ts';
import { Composer } from './composer.ts';
import { h, setText } from './dom.ts';
import { createHeader, createRoomControls } from './header.ts';
import { installShortcuts } from './keys.ts';
import { LaneView, type PageLane } from './lane-view.ts';
import { isNarrow, onNarrowChange, createTabs } from './narrow.ts';
import { Notice } from './notice.ts';
import { Panels } from './panels.ts';
import { PresenceView } from './presence.ts';
import { trackAvailableHeight } from './available-height.ts';
import { Tour } from './tour.ts';
import { createTrafficControl } from './traffic.ts';
import { createLanguagePicker } from './language.ts';
import { createLanesPicker } from './lanes.ts';
import { createSettingsButton } from './settings.ts';
import { createTokenField } from './token.ts';

/** The lanes of each view. */
const LANES: Record<View, readonly string[]> = {
  one: ['one'],
  both: ['left', 'right'],
  three: ['first', 'second', 'third'],
};

interface ManagedLane extends PageLane {
  /** The transport that it uses when its view is shown. */
  transport: Transport;
  /** Whether it has the history from before it began. */
  hasHistory: boolean;
}

/** `script` is the URL of the page's main script. */
export function openRoom(app: HTMLElement, room: string, script: string): void {
  document.title = strings.title(room);
  const urlSettings = parseSettings(location.search);
  const { settings: pageSettings, invalid: invalidPageSettings } = parsePageSettings(location.search);
  const clock = new ServerClock();
  const panels = new Panels();
  const opened: Partial<Record<View, ManagedLane[]>> = {};
  const comparisons: Partial<Record<View, ComparisonView>> = {};
  let view = parseView(location.search) ?? 'both';
  let sending = 0;
  const awaited = new Map<Lane, number>();

  const notice = new Notice();
  const presence = new PresenceView(room, () => lanes());
  const stage = h('div', { class: 'stage' });
  const page = h('div', { class: 'page' });
  const settings = h(
    'section',
    { class: 'settings', id: 'settings', 'aria-label': strings.settings },
    createRoomControls(room),
    createLanguagePicker(),
    createTokenField(() => lanes().forEach(({ lane }) => lane.reconnect())),
  );
  const between = h('div', { class: 'between' });
  const verdictActions = h('div', { class: 'verdict-actions' });
  let comparison: ComparisonView;
  const status = h('div', { class: 'top-status' });
  const lanesOf = (of: View) =>
    (opened[of] ??= urlSettings.settings[of].map((setting, at) =>
      openLane(of, LANES[of][at] ?? of, setting),
    ));
  const lanes = () => lanesOf(view);

  const openLane = (of: View, key: string, setting: LaneSettings): ManagedLane => {
    const { transport: first, interval_s, stallTimeout_s, fault, connection, cookie_kib, protocol } = setting;
    const lane = new Lane({ room, clock, shareKey: key, network: new Network(stallTimeout_s) });
    lane.setInterval(interval_s);
    if (connection === 'close') lane.setParameters({ connection });
    lane.cookie_kib = cookie_kib;
    lane.protocol = protocol;
    const shown: ManagedLane = {
      lane,
      key,
      view: new LaneView(lane, key, first, of === 'one' ? 'used' : 'current'),
      first,
      transport: first,
      hasHistory: false,
    };
    lane.subscribe({
      transport(transport) {
        shown.transport = transport;
        nameLanes();
        showPending();
      },
      expected(messages) {
        awaited.set(lane, messages);
        showPending();
      },
    });
    presence.attach(shown);
    warn(lane, notice, script);
    plugins.lane(shown);
    if (fault !== 'healthy') lane.network.setFault(fault);
    return shown;
  };

  /** Gives each lane a unique name: with its position, if a lane before it has the same transport. */
  const nameLanes = () => {
    const named = new Set<Transport>();
    lanes().forEach(({ view, transport }, at) => {
      const place = getLanePositions(lanes().length)[at];
      view.setName(transport, named.has(transport) && place !== undefined ? strings.places[place] : null);
      named.add(transport);
    });
  };
  const published = (cursor: string, sent_ms: number) => {
    for (const { lane } of lanes()) lane.recordSent(cursor, sent_ms);
  };
  const outbox = new Outbox(
    {
      sending(messages) {
        sending = messages;
        showPending();
      },
      published: ({ cursor }, sent_ms) => published(cursor, sent_ms),
      failed: (texts, { why, detail }) => composer.restore(texts, strings.sendFailed[why](detail)),
    },
    (draft, key) => publish(draft, key, undefined, writer()),
  );
  /** The client to name when publishing. Polls send their author themselves; an open stream cannot. */
  const writer = () => {
    const open = lanes().find(({ transport }) => transport === 'stream') ?? lanes()[0];
    return open?.lane.client ?? null;
  };
  const composer = new Composer((author, text) => {
    introduce();
    for (const { view } of lanes()) view.scrollToEnd();
    outbox.add({ room, author, text });
  });
  /** Adds the author's name to the lanes' requests, for presence. */
  const introduce = () => {
    for (const { lane } of lanes()) lane.setParameters({ author: composer.author });
  };
  const start = h('button', { type: 'button', class: 'start' }, strings.start);
  const traffic = createTrafficControl(room, pageSettings, published, (pattern) => {
    setText(start, pattern === null ? strings.start : strings.stop);
    start.classList.toggle('quiet', pattern !== null);
    start.toggleAttribute('data-running', pattern !== null);
  });
  start.addEventListener('click', () => traffic.choose(traffic.pattern === null ? 'chatty' : null));
  const tabList = createTabs(page);
  const tour = new Tour({
    lanes,
    tabs: tabList,
    get view() {
      return view;
    },
    choose: (chosen) => picker.choose(chosen),
    post: (text) => outbox.add({ room, author: composer.author ?? strings.tour.author, text }),
    burst: () => traffic.choose('burst'),
  });
  const showPending = () => {
    const late = lanes().find(({ lane }) => (awaited.get(lane) ?? 0) > 0);
    if (sending > 0) composer.showPending(strings.sending);
    else composer.showPending(late === undefined ? null : strings.awaited[late.transport]);
  };

  const show = (before: readonly ManagedLane[]) => {
    stage.dataset['view'] = view === 'one' ? 'one' : 'several';
    stage.dataset['lanes'] = String(lanes().length);
    stage.replaceChildren(...lanes().map(({ view }) => view.element));
    comparison = comparisons[view] ??= new ComparisonView(lanes());
    comparison.actions.prepend(start);
    comparison.more.append(verdictActions);
    between.replaceChildren(...(view === 'one' ? [] : [comparison.element]));
    arrange();
    introduce();
    void read(lanes(), before);
    measure();
    tour.refresh();
    plugins.view(lanes(), view);
  };
  /** In a narrow window, moves the settings of several lanes to the settings sheet. */
  const arrange = () => {
    const inSheet = view !== 'one' && isNarrow();
    for (const all of Object.values(opened)) for (const { view: each } of all) each.putSettings(null);
    status.replaceChildren();
    for (const { view: shown } of lanes()) {
      if (inSheet) shown.putSettings(settings);
      if (view === 'one') status.append(shown.status);
      else shown.keepStatus();
    }
  };
  /** Starts the lanes with the same history, for which no lane pays. The lanes shown `before` read until then. */
  const read = async (shown: readonly ManagedLane[], before: readonly ManagedLane[]) => {
    const fresh = shown.filter(({ hasHistory }) => !hasHistory);
    const missing = await applyProtocols(fresh.map(({ lane }) => lane));
    if (missing.length > 0)
      notice.append(
        strings.pageNotice.protocolMissing(missing.map((each) => strings.protocols[each]).join(', ')),
      );
    const history = fresh.length === 0 ? null : await fetchHistory(room);
    for (const each of fresh) {
      if (history !== null && !each.hasHistory) each.lane.seed(history, each.transport);
      each.hasHistory = true;
    }
    if (shown !== lanes()) return;
    for (const { lane } of before) lane.stop();
    if (before.length > 0) presence.pause();
    for (const { lane, transport } of shown) lane.use(transport);
  };
  /** Writes the lanes' settings to the address. */
  const updateAddress = () => {
    const protocols = getRequestedProtocols(lanes().map(({ lane }) => lane));
    const settings = lanes().map(({ lane, transport }, at) => ({
      transport,
      interval_s: lane.interval_s,
      stallTimeout_s: lane.network.chosenStallTimeout_s,
      fault: lane.network.fault,
      connection: lane.connection,
      cookie_kib: lane.cookie_kib,
      protocol: protocols[at] ?? 'page',
    }));
    replaceAddress(withSettings(withView(location.href, view), view, settings));
  };
  // The event bubbles up after the lane's own listeners have handled it.
  for (const changed of [stage, settings]) changed.addEventListener('change', updateAddress);
  const switchTo = (chosen: View) => {
    if (chosen === view) return;
    const before = lanes();
    view = chosen;
    updateAddress();
    show(before);
    showPending();
  };

  const picker = createLanesPicker(view, switchTo);
  const settingsToggle = createSettingsButton(page, settings);
  const tools = h('div', { class: 'tools' }, picker.element, presence.toggle, tour.button, settingsToggle);
  // The sheet would cover the elements that the tour points at.
  tour.button.addEventListener('click', () => {
    if (isNarrow() && !settings.hidden) settingsToggle.click();
  });
  const top = createHeader(status, tools);
  const strips = h('div', { class: 'strips' }, settings, notice.element, presence.element);
  const speech = h('div', { class: 'speech' }, composer.element, traffic.element);
  const foot = h('div', { class: 'foot' }, between, speech);
  const measure = trackAvailableHeight(stage, [top, strips, between, tabList.element], [foot, speech]);
  onNarrowChange(() => {
    arrange();
    measure();
  });

  page.append(top, strips, h('main', { class: 'conversation' }, tabList.element, stage, foot));
  app.replaceChildren(page, panels.element, tour.element);
  settings.append(
    installShortcuts({
      page,
      traffic,
      lanes,
      pause: () => tools.querySelector<HTMLElement>('.pause')?.click(),
    }),
  );
  plugins.page({ room, settings: pageSettings, panels, lanes, tools, verdictActions });
  show([]);
  if (pageSettings.traffic !== null) traffic.choose(pageSettings.traffic);
  reportInvalidSettings(notice, [...urlSettings.invalid, ...invalidPageSettings]);
  void findRefusedFeatures().then((refused) => {
    if (refused.length > 0) notice.append(strings.pageNotice.refused(refused));
  });
}

/** Offers to reload the page if a lane gets an invalid response, or if the server has a newer page. */
function warn(lane: Lane, notice: Notice, script: string): void {
  let lost = false;
  lane.subscribe({
    link(link) {
      if (link.kind === 'reconnecting') {
        lost = true;
        if (link.why === 'garbled') notice.show(strings.pageNotice.garbled, { reload: true });
      }
      if (link.kind !== 'live' || !lost) return;
      lost = false;
      void isNewerVersion(script, './').then((newer) => {
        if (newer) notice.show(strings.pageNotice.newer, { reload: true });
      });
    },
  });
}

/** Reports invalid parameters of the address. */
function reportInvalidSettings(notice: Notice, invalid: readonly InvalidSetting[]): void {
  const given = new URLSearchParams(location.search);
  const unknown = [
    ['view', given.get('view'), parseView(location.search) === null],
    ['lang', given.get('lang'), !isKnown(given.get('lang') ?? 'en')],
  ] as const;
  const all = [
    ...unknown.flatMap(([name, value, is]) => (value !== null && is ? [{ name, value, range: null }] : [])),
    ...invalid,
  ];
  const sentences = all.map(({ name, value, range }) => {
    const { unknownValue, wrongNumber } = strings.pageNotice;
    const short = value.slice(0, 40);
    return range === null ? unknownValue(name, short) : wrongNumber(name, short, range.min, range.max);
  });
  if (sentences.length > 0) notice.show(sentences.join(' '), { reload: false });
}
