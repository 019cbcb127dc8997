// The plugin that adds a sequence diagram to each lane, and the plots over time to the page.

import { isHttp1 } from '../client/http-version.ts';
import { parseEpochMs } from '../lab/clock.ts';
import { h, setText } from './dom.ts';
import { formatParameter, WINDOWS_S } from '../lab/page-settings.ts';
import { putParameter } from './browser.ts';
import { DiagramView } from './diagram/view.ts';
import { PlotStore } from '../lab/plots/store.ts';
import { PlotsView } from './plots/view.ts';
import { strings } from '../i18n/index.ts';
import type { Transport } from '../client/transport.ts';
import type { LabPlugin } from './lab-plugin.ts';
import type { PageLane } from './lane-view.ts';

const TICK_INTERVAL_MS = 1_000;

/** Converts `performance.now()` to milliseconds since the Unix epoch, by the monotonic clock. */
function toEpoch(at_ms: number): number {
  return performance.timeOrigin + at_ms;
}

const store = new PlotStore(toEpoch(performance.now()));
let plots: PlotsView | null = null;
/** Pictures of the current plots, each with its name. */
export function getPlotPictures(): { name: string; canvas: HTMLCanvasElement }[] {
  return plots?.pictures() ?? [];
}

const diagrams: DiagramView[] = [];
/** The time window of all diagrams, in seconds. */
let window_s: number = WINDOWS_S[0];
let isPaused = false;

export const timeline: LabPlugin = {
  lane(shown) {
    addDiagram(shown);
    recordStats(shown);
  },

  page({ panels, lanes, tools, settings }) {
    window_s = settings.window_s;
    tools.prepend(...createTimelineControls());
    const plotted = () =>
      lanes().map(({ key, lane, view }) => ({
        key,
        transport: lane.transport ?? ('poll' satisfies Transport),
        name: view.element.getAttribute('aria-label') ?? '',
      }));
    const view = new PlotsView('plots', store, plotted);
    plots = view;
    panels.add('plots', strings.plots.title, ...view.content);
    setInterval(() => {
      if (document.hidden) return;
      store.advance(toEpoch(performance.now()));
      view.tick();
    }, TICK_INTERVAL_MS);
    document.addEventListener('visibilitychange', () => {
      const now_ms = toEpoch(performance.now());
      if (document.hidden) return store.pause(now_ms);
      store.resume(now_ms);
      view.resume();
    });
    if (document.hidden) store.pause(toEpoch(performance.now()));
  },

  view: () => plots?.rebuild(),
};

/** The controls of all diagrams: the pause button and the time window. */
function createTimelineControls(): HTMLElement[] {
  const { diagram } = strings;
  const pause = h('button', { class: 'quiet pause', type: 'button' }, diagram.pause);
  pause.addEventListener('click', () => {
    isPaused = !isPaused;
    setText(pause, isPaused ? diagram.resume : diagram.pause);
    for (const each of diagrams) each.setPaused(isPaused);
  });
  const select = h(
    'select',
    { id: 'diagram-window' },
    ...WINDOWS_S.map((s) =>
      h(
        'option',
        { value: s, selected: s === window_s },
        s < 60 ? diagram.seconds(String(s)) : diagram.minutes(String(s / 60)),
      ),
    ),
  );
  select.addEventListener('change', () => {
    window_s = Number(select.value);
    for (const each of diagrams) each.setWindow(window_s);
    putParameter('window', formatParameter('window', window_s));
  });
  return [
    pause,
    h('div', { class: 'window' }, h('label', { for: 'diagram-window' }, diagram.window), select),
  ];
}

function addDiagram({ lane, view, key }: PageLane): void {
  const diagram = new DiagramView(`${key}-diagram`, lane.connection === 'close', {
    newConnection: (each) => lane.setParameters({ connection: each ? 'close' : null }),
    tlsVersion: (version) => view.showTlsVersion(version),
  });
  // A lane that is created later gets the current settings.
  diagram.setWindow(window_s);
  diagram.setPaused(isPaused);
  diagrams.push(diagram);
  lane.setParameters({ trace: 1 });
  view.places.diagram.append(diagram.element);
  diagram.show(lane.client);
  const update = () => diagram.setHttp1(isHttp1(lane.network.crossOriginVersion));
  update();
  lane.subscribe({
    transport(transport) {
      update();
      diagram.setTransport(transport);
      diagram.setReading(true);
    },
    client(label) {
      update();
      // The server does not know the new client before its first request.
      diagram.setConnected(false);
      diagram.show(label);
    },
    link: ({ kind }) => diagram.setConnected(kind === 'live'),
    stopped: () => diagram.setReading(false),
    messages(seen, transport) {
      // Messages from before the lane began are older than the diagram.
      for (const { message, delay } of seen)
        if (delay !== null) diagram.addPublished(parseEpochMs(message.sent_at), transport, delay.ms);
    },
  });
}

function recordStats({ lane, key }: PageLane): void {
  const begin = () => store.beginClient(key, toEpoch(performance.now()));
  let isNew = true;
  lane.subscribe({
    transport() {
      if (isNew) begin();
      isNew = false;
    },
    client: begin,
    stopped: () => store.split(key),
    stats(figures, at_ms) {
      if (lane.transport !== null) store.recordFigures(key, figures, lane.transport, toEpoch(at_ms));
    },
    messages(seen, transport, at_ms) {
      for (const { message, delay } of seen)
        if (delay !== null) store.recordMessage(key, message.cursor, transport, toEpoch(at_ms), delay.ms);
    },
  });
}
