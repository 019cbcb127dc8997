// The page: one room, read by one lane or by several side by side.

import { strings } from '../i18n/index.ts';
import { type PageSettings, parsePageSettings } from '../lab/page-settings.ts';
import { createIdempotencyKey } from '../lab/identity.ts';
import { Outbox } from '../lab/outbox.ts';
import { parseQuestion } from '../lab/planner/fields.ts';
import { publish } from '../lab/publish.ts';
import { type LaneSettings, parseSettings, withSettings } from '../lab/url-settings.ts';
import { type View, parseView, withView } from '../lab/view.ts';
import { trackAvailableHeight } from './available-height.ts';
import { replaceAddress, whenVisible } from './browser.ts';
import { ComparisonView } from './comparison.ts';
import { Composer } from './composer.ts';
import { h, setText } from './dom.ts';
import { createHeader, createRoomControls } from './header.ts';
import { installShortcuts } from './keys.ts';
import { createLanguagePicker } from './language.ts';
import { createLanesPicker } from './lanes.ts';
import { isNarrow, createTabs, onNarrowChange } from './narrow.ts';
import { Notice } from './notice.ts';
import { PageLanes } from './page-lanes.ts';
import {
  reportInvalidSettings,
  reportRefusedFeatures,
  reportUnknown,
  watchForReload,
  watchForToken,
} from './page-notices.ts';
import { Panels } from './panels.ts';
import { plugins } from './plugins.ts';
import { PresenceView } from './presence.ts';
import { createSettingsButton } from './settings.ts';
import { createTokenField } from './token.ts';
import { Tour } from './tour.ts';
import { createTrafficControl, type TrafficControl } from './traffic.ts';

/** `script` is the URL of the page's main script. */
export function openRoom(app: HTMLElement, room: string, script: string): void {
  document.title = strings.title(room);
  const lanes = parseSettings(location.search);
  const { settings, invalid } = parsePageSettings(location.search);
  // Before the Planner writes its question to the address.
  const question = parseQuestion(location.search);
  const page = new RoomPage(room, script, lanes.settings, settings);
  page.open(app);
  reportInvalidSettings(page.notice, [...lanes.invalid, ...invalid, ...question.invalid]);
  void reportRefusedFeatures(page.notice);
}

class RoomPage {
  readonly notice = new Notice();
  readonly #room: string;
  readonly #pageSettings: PageSettings;
  readonly #lanes: PageLanes;
  readonly #comparisons: Partial<Record<View, ComparisonView>> = {};
  readonly #presence: PresenceView;
  readonly #outbox: Outbox;
  readonly #composer: Composer;
  readonly #traffic: TrafficControl;
  readonly #tour: Tour;
  readonly #page = h('div', { class: 'page' });
  readonly #stage = h('div', { class: 'stage' });
  readonly #status = h('div', { class: 'top-status' });
  readonly #between = h('div', { class: 'between' });
  readonly #verdictActions = h('div', { class: 'verdict-actions' });
  readonly #settings: HTMLElement;
  readonly #settingsButton: HTMLButtonElement;
  /** Null until the page is open. */
  #leavePresent: HTMLElement | null = null;
  readonly #tabs = createTabs(this.#page);
  readonly #start = h('button', { type: 'button', class: 'start' }, strings.start);
  readonly #picker: ReturnType<typeof createLanesPicker>;
  /** How many messages are being sent. */
  #sending = 0;
  #measureHeight: () => void = () => {};

  constructor(
    room: string,
    script: string,
    laneSettings: Readonly<Record<View, readonly LaneSettings[]>>,
    pageSettings: PageSettings,
  ) {
    this.#room = room;
    this.#pageSettings = pageSettings;
    this.#lanes = new PageLanes(room, parseView(location.search) ?? 'both', laneSettings, {
      created: (lane) => {
        this.#presence.attach(lane);
        watchForReload(lane.lane, this.notice, script);
        watchForToken(lane.lane, this.notice, () => this.#openTokenField());
        plugins.lane(lane);
      },
      changed: () => this.#showPending(),
      faultChanged: () => this.#updateAddress(),
      stopped: () => this.#presence.pause(),
      protocolsMissing: (versions) => {
        const names = versions.map((version) => strings.protocols[version]).join(', ');
        this.notice.append(strings.pageNotice.protocolMissing(names));
      },
    });
    this.#presence = new PresenceView(room, () => this.#lanes.current);
    this.#settings = h(
      'section',
      { class: 'settings', id: 'settings', 'aria-label': strings.settings },
      createRoomControls(room),
      createLanguagePicker(),
      createTokenField(() => this.#lanes.current.forEach(({ lane }) => lane.reconnect())),
    );
    this.#settingsButton = createSettingsButton(this.#page, this.#settings);
    this.#outbox = this.#createOutbox();
    this.#composer = new Composer((author, text) => {
      this.#lanes.setAuthor(this.#composer.author);
      for (const { view } of this.#lanes.current) view.scrollToEnd();
      this.#outbox.add({ room, author, text });
    });
    this.#traffic = this.#createTraffic();
    this.#picker = createLanesPicker(this.#lanes.view, (view) => this.#switchTo(view));
    this.#tour = this.#createTour();
  }

  /** Puts the page into `app` and starts its lanes. */
  open(app: HTMLElement): void {
    const lanes = () => this.#lanes.current;
    const panels = new Panels();
    const tools = this.#createTools();
    this.#layOut(tools);
    app.replaceChildren(this.#page, panels.element, this.#tour.element);
    const presenter = installShortcuts({
      page: this.#page,
      traffic: this.#traffic,
      lanes,
      pause: () => tools.querySelector<HTMLElement>('.pause')?.click(),
    });
    this.#settings.append(presenter.settings);
    this.#traffic.element.after(presenter.leave);
    this.#leavePresent = presenter.leave;
    // The event bubbles up after the lane's own listeners have handled it.
    for (const changed of [this.#stage, this.#settings])
      changed.addEventListener('change', () => this.#updateAddress());
    plugins.page({
      room: this.#room,
      settings: this.#pageSettings,
      panels,
      lanes,
      tools,
      verdictActions: this.#verdictActions,
      reportUnknown: (name, value) => reportUnknown(this.notice, name, value),
    });
    this.#show();
    const { traffic } = this.#pageSettings;
    if (traffic !== null) whenVisible(() => this.#traffic.choose(traffic));
  }

  #createOutbox(): Outbox {
    return new Outbox(
      {
        sending: (messages) => {
          this.#sending = messages;
          this.#showPending();
        },
        published: ({ cursor }, sent_ms) => this.#lanes.recordSent(cursor, sent_ms),
        failed: (texts, { why, detail, retryAfter_s }) =>
          this.#composer.restore(texts, strings.sendFailed[why](detail, retryAfter_s)),
      },
      (draft, key) => publish(draft, key, undefined, this.#lanes.writer),
    );
  }

  #createTraffic(): TrafficControl {
    const start = this.#start;
    const traffic = createTrafficControl(
      this.#room,
      this.#pageSettings,
      (cursor, sent_ms) => this.#lanes.recordSent(cursor, sent_ms),
      (pattern) => {
        setText(start, pattern === null ? strings.start : strings.stop);
        start.classList.toggle('quiet', pattern !== null);
        start.toggleAttribute('data-running', pattern !== null);
      },
    );
    start.addEventListener('click', () => traffic.choose(traffic.pattern === null ? 'chatty' : null));
    return traffic;
  }

  #createTour(): Tour {
    const lanes = this.#lanes;
    return new Tour({
      lanes: () => lanes.current,
      tabs: this.#tabs,
      get view() {
        return lanes.view;
      },
      choose: (view) => this.#picker.choose(view),
      post: (text) => this.#post(this.#composer.author ?? strings.tour.author, text),
      burst: () => this.#traffic.run('burst'),
    });
  }

  /** Publishes a message that does not come from the composer. Returns null, or a sentence that says why not. */
  async #post(author: string, text: string): Promise<string | null> {
    const sent_ms = performance.now();
    const draft = { room: this.#room, author, text };
    const result = await publish(draft, createIdempotencyKey(), undefined, this.#lanes.writer);
    if (!result.ok) return strings.tour.notPosted(result.detail);
    this.#lanes.recordSent(result.message.cursor, sent_ms);
    return null;
  }

  #openTokenField(): void {
    if (this.#page.hasAttribute('data-present')) this.#leavePresent?.click();
    if (this.#settings.hidden) this.#settingsButton.click();
    this.#settings.querySelector<HTMLElement>('#token')?.focus();
  }

  #createTools(): HTMLElement {
    // The sheet would cover the elements that the tour points at.
    this.#tour.button.addEventListener('click', () => {
      if (isNarrow() && !this.#settings.hidden) this.#settingsButton.click();
    });
    return h(
      'div',
      { class: 'tools' },
      this.#picker.element,
      this.#presence.toggle,
      this.#tour.button,
      this.#settingsButton,
    );
  }

  #layOut(tools: HTMLElement): void {
    const tabs = this.#tabs.element;
    const top = createHeader(this.#status, tools);
    const strips = h('div', { class: 'strips' }, this.#settings, this.notice.element, this.#presence.element);
    const speech = h('div', { class: 'speech' }, this.#composer.element, this.#traffic.element);
    const foot = h('div', { class: 'foot' }, this.#between, speech);
    const above = [top, strips, this.#between, tabs];
    this.#measureHeight = trackAvailableHeight(this.#stage, above, [foot, speech]);
    onNarrowChange(() => {
      this.#arrangeSettings();
      this.#measureHeight();
    });
    this.#page.append(top, strips, h('main', { class: 'conversation' }, tabs, this.#stage, foot));
  }

  #switchTo(view: View): void {
    if (view === this.#lanes.view) return;
    this.#lanes.view = view;
    this.#updateAddress();
    this.#show();
    this.#showPending();
  }

  /** Shows the lanes of the current view and starts them. */
  #show(): void {
    const { view, current: lanes } = this.#lanes;
    this.#stage.dataset['view'] = view === 'one' ? 'one' : 'several';
    this.#stage.dataset['lanes'] = String(lanes.length);
    this.#stage.replaceChildren(...lanes.map(({ view }) => view.element));
    const comparison = (this.#comparisons[view] ??= new ComparisonView(lanes));
    comparison.actions.prepend(this.#start);
    comparison.more.append(this.#verdictActions);
    this.#between.replaceChildren(...(view === 'one' ? [] : [comparison.element]));
    this.#arrangeSettings();
    this.#lanes.setAuthor(this.#composer.author);
    void this.#lanes.start();
    this.#measureHeight();
    this.#tour.refresh();
    plugins.view(lanes, view);
  }

  /** In a narrow window, moves the settings of several lanes to the settings sheet. */
  #arrangeSettings(): void {
    const { view, current, all } = this.#lanes;
    const isInSheet = view !== 'one' && isNarrow();
    for (const lane of all) lane.view.putSettings(null);
    this.#status.replaceChildren();
    for (const { view: shown } of current) {
      if (isInSheet) shown.putSettings(this.#settings);
      shown.putCost(view === 'one');
      if (view === 'one') this.#status.append(shown.status);
      else shown.keepStatus();
    }
  }

  /** Shows which own message is on its way: still being sent, or not seen by a lane yet. */
  #showPending(): void {
    const late = this.#lanes.current.find(({ expected }) => expected > 0);
    if (this.#sending > 0) this.#composer.showPending(strings.sending);
    else this.#composer.showPending(late === undefined ? null : strings.awaited[late.transport]);
  }

  /** Writes the lanes' settings to the address. */
  #updateAddress(): void {
    const { view, settings } = this.#lanes;
    replaceAddress(withSettings(withView(location.href, view), view, settings));
  }
}
