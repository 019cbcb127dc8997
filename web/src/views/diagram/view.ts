// The sequence diagram of one lane: the timeline, its settings, and its list.

import { ServerClock } from '../../lab/clock.ts';
import { WINDOWS_S } from '../../lab/page-settings.ts';
import { strings } from '../../i18n/index.ts';
import { type TraceEvent, TraceWatch } from '../../lab/trace.ts';
import type { Transport } from '../../client/transport.ts';
import { watchSize, watchVisibility } from '../browser.ts';
import { h, setText } from '../dom.ts';
import { createLegend } from './legend.ts';
import { EventList } from './list.ts';
import { Timeline } from './timeline.ts';
import { EventBuffer } from '../../lab/diagram/event-buffer.ts';
import { Tooltip } from './tooltip.ts';

/** How far the diagram lags behind the present, so that events have arrived when they enter at its edge. */
const LAG_MS = 700;
/** Between two checks of the animation or, with reduced motion, between two moves. */
const UPDATE_INTERVAL_MS = { moving: 1_000, calm: 2_000 } as const;
const EVICT_INTERVAL_MS = 1_000;

const calm = matchMedia('(prefers-reduced-motion: reduce)');

export interface DiagramListener {
  /** Whether each poll must use a new connection. */
  newConnection(each: boolean): void;
  /** The newest connection's version of TLS; null without TLS. */
  tlsVersion(version: string | null): void;
}

export class DiagramView {
  readonly element: HTMLElement;
  readonly #clock = new ServerClock();
  readonly #listener: DiagramListener;
  readonly #legend = createLegend();
  readonly #timeline: Timeline;
  readonly #tip: Tooltip;
  readonly #list: EventList;
  readonly #nothing = h('p', { class: 'nothing' }, strings.diagram.nothing);
  readonly #newConnection: HTMLInputElement;
  readonly #newConnectionNote: HTMLElement;
  #buffer = new EventBuffer();
  #watch: TraceWatch | null = null;
  #window_ms: number = WINDOWS_S[0] * 1_000;
  #transport: Transport = 'poll';
  #isReading = false;
  #isConnected = false;
  #isPaused = false;
  #isInView = false;
  #evicted_ms = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `isFresh`: whether each poll uses a new connection at the beginning. */
  constructor(id: string, isFresh: boolean, listener: DiagramListener) {
    const { diagram } = strings;
    this.#listener = listener;
    this.#timeline = new Timeline(WINDOWS_S[0] * 1_000);
    this.#tip = new Tooltip(this.#timeline);
    this.#list = new EventList(`${id}-events`);
    this.#newConnection = h('input', {
      type: 'checkbox',
      role: 'switch',
      id: `${id}-fresh`,
      'aria-describedby': `${id}-fresh-note`,
      checked: isFresh,
    });
    this.#newConnection.addEventListener('change', () => listener.newConnection(this.#newConnection.checked));
    this.#newConnectionNote = h('p', { class: 'explained', id: `${id}-fresh-note` });
    // A group and not a landmark, as two lanes would have landmarks of the same name.
    this.element = h(
      'section',
      { class: 'diagram', role: 'group', 'aria-labelledby': `${id}-title` },
      h('h3', { class: 'visually-hidden', id: `${id}-title` }, diagram.title),
      h(
        'div',
        { class: 'picture' },
        h(
          'div',
          { class: 'lifelines', 'aria-hidden': 'true' },
          h('span', {}, diagram.browser),
          h('span', {}, diagram.server),
        ),
        this.#timeline.element,
      ),
      h(
        'div',
        { class: 'diagram-more' },
        h('div', { class: 'diagram-head' }, this.#listButton(`${id}-events`), this.#legend.element),
        h('p', { class: 'explained' }, diagram.explained),
        this.#list.element,
        h(
          'div',
          { class: 'switch' },
          this.#newConnection,
          h('label', { for: `${id}-fresh` }, diagram.newConnection),
          this.#newConnectionNote,
        ),
      ),
    );
    this.#timeline.element.append(this.#nothing);
    this.setTransport('poll');

    watchSize([this.#timeline.element], () => this.#onResize());
    watchVisibility(this.#timeline.element, (isInView) => {
      this.#isInView = isInView;
      this.#move();
    });
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) this.#redraw();
      this.#move();
    });
    calm.addEventListener('change', () => this.#move());
  }

  setWindow(seconds: number): void {
    this.#window_ms = seconds * 1_000;
    this.#redraw();
    this.#move();
  }

  setTransport(transport: Transport): void {
    this.#transport = transport;
    this.#timeline.setName(transport);
    this.#legend.use(transport);
    this.#explainNewConnection();
  }

  /** Whether the lane's requests use HTTP/1.1, over which a poll can have a connection of its own. */
  setHttp1(isHttp1: boolean): void {
    this.#newConnection.disabled = !isHttp1;
    this.#explainNewConnection();
  }

  #explainNewConnection(): void {
    const { newConnectionExplained, newConnectionHttp2, newConnectionStream } = strings.diagram;
    const ofTransport = this.#transport === 'stream' ? newConnectionStream : newConnectionExplained;
    setText(this.#newConnectionNote, this.#newConnection.disabled ? newConnectionHttp2 : ofTransport);
  }

  /** Clears the diagram and shows the trace of `client` from now on. */
  show(client: string): void {
    this.#watch?.end();
    this.#buffer = new EventBuffer();
    this.#list.clear();
    this.#watch = new TraceWatch(client, this.#clock, {
      events: (events) => {
        const newest = events.at(-1);
        if (newest !== undefined) this.#listener.tlsVersion(newest.tls_version);
        this.#add(events);
      },
      lost: (count) => this.#split('lost', count),
      restarted: () => this.#split('begun', 0),
      refused: (isRefused) =>
        setText(this.#nothing, isRefused ? strings.diagram.refused : strings.diagram.nothing),
    });
    this.#redraw();
    this.#updateWatch();
  }

  /** Whether the lane is reading. */
  setReading(reading: boolean): void {
    this.#isReading = reading;
    if (!reading) this.#isConnected = false;
    this.#updateWatch();
  }

  /** Whether the server has answered the lane's client, so that it has a trace of it. */
  setConnected(connected: boolean): void {
    if (this.#isConnected && !connected) this.#endSpans();
    this.#isConnected = connected;
    this.#updateWatch();
  }

  /** Marks a message that entered the log at `at_ms` by the server's clock, and that the lane saw `wait_ms` later. */
  addPublished(at_ms: number, transport: Transport, wait_ms: number): void {
    const mark = this.#buffer.mark('published', transport, at_ms, 1, wait_ms);
    // A paused diagram is redrawn when it continues.
    if (this.#timeline.isDrawable && !this.#isStill) this.#timeline.mark(mark);
  }

  #add(events: TraceEvent[]): void {
    this.#nothing.hidden = true;
    const { timelineEvents, spans } = this.#buffer.add(events);
    this.#list.add(timelineEvents);
    this.#evict();
    if (!this.#timeline.isDrawable) return;
    for (const span of spans) this.#timeline.span(span);
    for (const timelineEvent of timelineEvents) this.#timeline.add(timelineEvent);
  }

  /** Without a connection no event ends what lasts, and it must not go on to grow. */
  #endSpans(): void {
    const spans = this.#buffer.endSpans(this.#now() + LAG_MS);
    if (this.#timeline.isDrawable) for (const span of spans) this.#timeline.span(span);
  }

  #split(style: 'lost' | 'begun', count: number): void {
    const { spans, mark } = this.#buffer.splitAt(style, this.#transport, count);
    if (!this.#timeline.isDrawable) return;
    for (const span of spans) this.#timeline.span(span);
    this.#timeline.mark(mark);
  }

  /** Pauses the diagram, not the lane. */
  setPaused(paused: boolean): void {
    this.#isPaused = paused;
    this.element.toggleAttribute('data-paused', paused);
    // Moves all known events into view.
    if (paused && this.#timeline.isDrawable) {
      this.#buffer.seen_ms = this.#now() + LAG_MS;
      this.#timeline.moveTo(this.#buffer.seen_ms);
      this.#tip.follow();
    }
    if (!paused) this.#redraw();
    this.#updateWatch();
  }

  /** While paused, no trace is requested: the server keeps the events, and reports if some were lost. */
  #updateWatch(): void {
    if (this.#isConnected && !this.#isPaused) this.#watch?.start();
    else this.#watch?.pause();
    this.#move();
  }

  get #isStill(): boolean {
    return this.#isPaused || document.hidden;
  }

  #now(): number {
    const here_ms = performance.now();
    const server = this.#clock.local(0, here_ms);
    return (server === null ? performance.timeOrigin + here_ms : here_ms - server.at_ms) - LAG_MS;
  }

  #onResize(): void {
    const { clientWidth, clientHeight } = this.#timeline.element;
    this.#timeline.resize(clientWidth, clientHeight);
    this.#redraw();
    this.#move();
  }

  /** Redraws everything in the window. */
  #redraw(): void {
    if (!this.#timeline.isDrawable) return;
    const now_ms = this.#isPaused ? this.#buffer.seen_ms : this.#now();
    this.#timeline.redraw(now_ms, this.#window_ms, () => {
      const { spans, timelineEvents, marks } = this.#buffer.since(now_ms - this.#window_ms);
      for (const span of spans) this.#timeline.span(span);
      for (const timelineEvent of timelineEvents) this.#timeline.add(timelineEvent);
      for (const mark of marks) this.#timeline.mark(mark);
    });
    this.#timeline.moveTo(now_ms);
    this.#tip.reposition();
    this.#tip.follow();
  }

  #move(): void {
    clearTimeout(this.#timer);
    if (this.#isStill || !this.#isReading || !this.#isInView || !this.#timeline.isDrawable)
      return this.#timeline.stop();
    const now_ms = this.#now();
    this.#buffer.seen_ms = now_ms;
    if (this.#timeline.isNearEnd(now_ms)) this.#redraw();
    if (calm.matches) this.#timeline.moveTo(now_ms);
    else this.#timeline.follow(now_ms);
    this.#evict();
    this.#tip.follow();
    // Aligned to multiples of the interval, so that several diagrams are updated together.
    const interval_ms = calm.matches ? UPDATE_INTERVAL_MS.calm : UPDATE_INTERVAL_MS.moving;
    this.#timer = setTimeout(() => this.#move(), interval_ms - (performance.now() % interval_ms));
  }

  /** Bounds memory, whether the diagram is in view or not. */
  #evict(): void {
    const now_ms = this.#now();
    if (Math.abs(now_ms - this.#evicted_ms) < EVICT_INTERVAL_MS) return;
    this.#evicted_ms = now_ms;
    this.#buffer.evict(now_ms);
    this.#timeline.evict(now_ms - this.#window_ms);
  }

  #listButton(controls: string): HTMLElement {
    const { diagram } = strings;
    const button = h(
      'button',
      { class: 'quiet', type: 'button', 'aria-expanded': 'false', 'aria-controls': controls },
      diagram.showList,
    );
    button.addEventListener('click', () => {
      const shown = button.getAttribute('aria-expanded') === 'false';
      button.setAttribute('aria-expanded', String(shown));
      setText(button, shown ? diagram.hideList : diagram.showList);
      this.#list.show(shown);
    });
    return button;
  }
}
