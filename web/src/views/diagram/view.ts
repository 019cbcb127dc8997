// The sequence diagram of one lane: the moving picture, what can be set about it, and its list.

import { ServerClock } from '../../lab/clock.ts';
import { strings } from '../../i18n/index.ts';
import { type TraceEvent, TraceWatch } from '../../lab/trace.ts';
import type { Transport } from '../../client/transport.ts';
import { h, setText } from '../dom.ts';
import { key } from './legend.ts';
import { EventList } from './list.ts';
import { Picture } from './timeline.ts';
import { Recollection } from '../../lab/diagram/event-buffer.ts';
import { Tip } from './tooltip.ts';

const WINDOWS_S = [30, 60, 120] as const;
const FIRST_WINDOW_S = 30;

/** The picture is this far behind, so that what happens enters at its edge when word of it comes. */
const BEHIND_MS = 700;
/** Between two moves: never shorter than this, and for those who want no motion as long as that. */
const STEP_MS = { least: 33, calm: 2_000 } as const;
/** By which part of a step a timer may be early and still stand for its own step. */
const EARLY = 0.1;
const FORGET_EVERY_MS = 1_000;

const calm = matchMedia('(prefers-reduced-motion: reduce)');

export interface DiagramListener {
  /** Whether each poll is to have a connection of its own. */
  newConnection(each: boolean): void;
  /** Another window was chosen; `setWindow` takes it up, here and in what is to keep the same scale. */
  window(seconds: number): void;
}

export class DiagramView {
  readonly element: HTMLElement;
  readonly #clock = new ServerClock();
  readonly #key = key();
  readonly #picture = new Picture(FIRST_WINDOW_S * 1_000);
  readonly #tip = new Tip(this.#picture);
  readonly #list: EventList;
  readonly #pause: HTMLButtonElement;
  readonly #nothing = h('p', { class: 'nothing' }, strings.diagram.nothing);
  readonly #fresh: HTMLInputElement;
  readonly #freshNote: HTMLElement;
  #recollection = new Recollection();
  readonly #windowSelect: HTMLSelectElement;
  #watch: TraceWatch | null = null;
  #window_ms = FIRST_WINDOW_S * 1_000;
  #transport: Transport = 'poll';
  #reading = false;
  #connected = false;
  #paused = false;
  #inSight = false;
  #forgotten_ms = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(id: string, listener: DiagramListener) {
    const { diagram } = strings;
    this.#list = new EventList(`${id}-events`);
    this.#pause = h('button', { class: 'quiet', type: 'button' });
    this.#pause.addEventListener('click', () => this.#setPaused(!this.#paused));
    this.#fresh = h('input', {
      type: 'checkbox',
      role: 'switch',
      id: `${id}-fresh`,
      'aria-describedby': `${id}-fresh-note`,
    });
    this.#fresh.addEventListener('change', () => listener.newConnection(this.#fresh.checked));
    this.#windowSelect = h(
      'select',
      { id: `${id}-window` },
      ...WINDOWS_S.map((s) =>
        h('option', { value: s }, s < 60 ? diagram.seconds(String(s)) : diagram.minutes(String(s / 60))),
      ),
    );
    this.#windowSelect.addEventListener('change', () => listener.window(Number(this.#windowSelect.value)));
    this.#freshNote = h('p', { class: 'explained', id: `${id}-fresh-note` });
    // A group, not a landmark: with two lanes there would be two of one name.
    this.element = h(
      'section',
      { class: 'diagram', role: 'group', 'aria-labelledby': `${id}-title` },
      h(
        'div',
        { class: 'diagram-head' },
        h('h2', { id: `${id}-title` }, diagram.title),
        h(
          'div',
          { class: 'window' },
          h('label', { for: `${id}-window` }, diagram.window),
          this.#windowSelect,
        ),
        this.#pause,
        this.#listButton(`${id}-events`),
      ),
      h('p', { class: 'explained' }, diagram.explained),
      h(
        'div',
        { class: 'lifelines', 'aria-hidden': 'true' },
        h('span', {}, diagram.browser),
        h('span', {}, diagram.server),
      ),
      this.#picture.element,
      this.#list.element,
      h(
        'div',
        { class: 'diagram-foot' },
        h(
          'div',
          { class: 'switch' },
          this.#fresh,
          h('label', { for: `${id}-fresh` }, diagram.newConnection),
          this.#freshNote,
        ),
        this.#key.element,
      ),
    );
    this.#picture.element.append(this.#nothing);
    this.#setPaused(false);
    this.use('poll');

    new ResizeObserver(() => this.#resized()).observe(this.#picture.element);
    new IntersectionObserver(([entry]) => {
      this.#inSight = entry?.isIntersecting ?? true;
      this.#move();
    }).observe(this.#picture.element);
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) this.#lay();
      this.#move();
    });
    calm.addEventListener('change', () => this.#move());
  }

  /** Shows the last `seconds` from now on. */
  setWindow(seconds: number): void {
    this.#windowSelect.value = String(seconds);
    this.#window_ms = seconds * 1_000;
    this.#lay();
    this.#move();
  }

  /** The transport that is used from now on. */
  use(transport: Transport): void {
    this.#transport = transport;
    this.#picture.name(transport);
    this.#key.use(transport);
    const { newConnectionExplained, newConnectionStream } = strings.diagram;
    setText(this.#freshNote, transport === 'stream' ? newConnectionStream : newConnectionExplained);
  }

  /** Shows what the server sees of `client` from now on; nothing of whom it showed before. */
  show(client: string): void {
    this.#watch?.end();
    this.#recollection = new Recollection();
    this.#list.clear();
    this.#watch = new TraceWatch(client, this.#clock, {
      events: (events) => this.#happened(events),
      lost: (count) => this.#broke('lost', count),
      restarted: () => this.#broke('begun', 0),
    });
    this.#lay();
    this.#goOrRest();
  }

  /** Whether the lane reads at all. */
  reading(reading: boolean): void {
    this.#reading = reading;
    if (!reading) this.#connected = false;
    this.#goOrRest();
  }

  /** Whether the server has answered the lane: before that it has nothing to tell. */
  connected(connected: boolean): void {
    this.#connected = connected;
    this.#goOrRest();
  }

  /** A message came into the log at `at_ms` by the server's clock, and this lane has seen it by `transport`. */
  published(at_ms: number, transport: Transport): void {
    const mark = this.#recollection.mark('published', transport, at_ms, 1);
    // What stands still is laid anew when it goes on.
    if (this.#picture.drawable && !this.#still) this.#picture.mark(mark);
  }

  #happened(events: TraceEvent[]): void {
    this.#nothing.hidden = true;
    const { happenings, spans } = this.#recollection.add(events);
    this.#list.add(happenings);
    this.#forget();
    if (!this.#picture.drawable) return;
    for (const span of spans) this.#picture.span(span);
    for (const happening of happenings) this.#picture.happened(happening);
  }

  #broke(look: 'lost' | 'begun', count: number): void {
    const { spans, mark } = this.#recollection.breakOff(look, this.#transport, count);
    if (!this.#picture.drawable) return;
    for (const span of spans) this.#picture.span(span);
    this.#picture.mark(mark);
  }

  #setPaused(paused: boolean): void {
    const { diagram } = strings;
    this.#paused = paused;
    this.element.toggleAttribute('data-paused', paused);
    // All that is known is in sight then, and in reach.
    if (paused && this.#picture.drawable) {
      this.#recollection.seen_ms = this.#now() + BEHIND_MS;
      this.#picture.moveTo(this.#recollection.seen_ms);
      this.#tip.follow();
    }
    setText(this.#pause, paused ? diagram.resume : diagram.pause);
    this.#pause.setAttribute('aria-label', paused ? diagram.resumeSpoken : diagram.pauseSpoken);
    if (!paused) this.#lay();
    this.#goOrRest();
  }

  /** While it is paused nothing is asked for: the server keeps what happens meanwhile, and says if it was too much. */
  #goOrRest(): void {
    if (this.#connected && !this.#paused) this.#watch?.go();
    else this.#watch?.pause();
    this.#move();
  }

  get #still(): boolean {
    return this.#paused || document.hidden;
  }

  #now(): number {
    const here_ms = performance.now();
    const server = this.#clock.local(0, here_ms);
    return (server === null ? performance.timeOrigin + here_ms : here_ms - server.at_ms) - BEHIND_MS;
  }

  #resized(): void {
    const { clientWidth, clientHeight } = this.#picture.element;
    this.#picture.resize(clientWidth, clientHeight);
    this.#lay();
    this.#move();
  }

  /** Draws everything anew that is to be seen. */
  #lay(): void {
    if (!this.#picture.drawable) return;
    const now_ms = this.#paused ? this.#recollection.seen_ms : this.#now();
    this.#picture.lay(now_ms, this.#window_ms, () => {
      const { spans, happenings, marks } = this.#recollection.since(now_ms - this.#window_ms);
      for (const span of spans) this.#picture.span(span);
      for (const happening of happenings) this.#picture.happened(happening);
      for (const mark of marks) this.#picture.mark(mark);
    });
    this.#picture.moveTo(now_ms);
    this.#tip.relaid();
    this.#tip.follow();
  }

  #move(): void {
    clearTimeout(this.#timer);
    if (this.#still || !this.#reading || !this.#inSight || !this.#picture.drawable) return;
    const now_ms = this.#now();
    this.#recollection.seen_ms = now_ms;
    if (this.#picture.isSpent(now_ms)) this.#lay();
    this.#picture.moveTo(now_ms);
    this.#forget();
    this.#tip.follow();
    const pixel_ms = 1 / (this.#picture.px_per_ms * (devicePixelRatio || 1));
    const step_ms = calm.matches ? STEP_MS.calm : Math.max(STEP_MS.least, pixel_ms);
    // At whole steps of the page's time, so that several diagrams move in the same frame.
    // A timer may come a little early; the step it was for is then not made twice.
    const next = Math.floor(performance.now() / step_ms + EARLY) + 1;
    this.#timer = setTimeout(() => this.#move(), next * step_ms - performance.now());
  }

  /** Whether the picture is in sight or not: memory has to stay bounded. */
  #forget(): void {
    const now_ms = this.#now();
    if (Math.abs(now_ms - this.#forgotten_ms) < FORGET_EVERY_MS) return;
    this.#forgotten_ms = now_ms;
    this.#recollection.forget(now_ms);
    this.#picture.forget(now_ms - this.#window_ms);
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
