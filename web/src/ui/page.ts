// The whole page: one room, read by one lane or by two side by side.
//
// Each view has lanes of its own: those of the other view rest meanwhile. Two lanes side by side begin at the same
// moment, so their figures are of the same time.

import { ServerClock } from '../clock.ts';
import { Lane } from '../lane.ts';
import { Outbox } from '../outbox.ts';
import { strings } from '../strings/index.ts';
import type { Transport } from '../transport.ts';
import { type View, viewFrom, withView } from '../view.ts';
import { attach } from './attachments.ts';
import { Composer } from './composer.ts';
import { h } from './dom.ts';
import { header } from './header.ts';
import { LaneView, type ShownLane } from './lane-view.ts';
import { Panels } from './panels.ts';
import { viewSwitch } from './views.ts';

/** The lanes of each view, with what they begin as. */
const LANES: Record<View, { key: string; first: Transport }[]> = {
  one: [{ key: 'one', first: 'poll' }],
  both: [
    { key: 'left', first: 'poll' },
    { key: 'right', first: 'stream' },
  ],
};

interface OpenLane extends ShownLane {
  /** What it reads with when its view is shown. */
  transport: Transport;
}

export function openRoom(app: HTMLElement, room: string): void {
  document.title = strings.title(room);
  const clock = new ServerClock();
  const panels = new Panels();
  const opened: Partial<Record<View, OpenLane[]>> = {};
  let view = viewFrom(location.search);
  let sending = 0;
  const awaited = new Map<Lane, number>();

  const stage = h('div', { class: 'stage' });
  const status = h('div', { class: 'top-status' });
  const lanesOf = (of: View) => (opened[of] ??= LANES[of].map(({ key, first }) => openLane(of, key, first)));
  const lanes = () => lanesOf(view);

  const openLane = (of: View, key: string, first: Transport): OpenLane => {
    const lane = new Lane({ room, clock, slot: key });
    const shown: OpenLane = {
      lane,
      key,
      view: new LaneView(lane, key, first, of === 'one' ? 'used' : 'current'),
      transport: first,
    };
    lane.subscribe({
      transport(transport) {
        shown.transport = transport;
        showPending();
      },
      awaited(messages) {
        awaited.set(lane, messages);
        showPending();
      },
    });
    attach.lane(shown);
    return shown;
  };

  const outbox = new Outbox({
    sending(messages) {
      sending = messages;
      showPending();
    },
    published({ cursor }, sent_ms) {
      for (const { lane } of lanes()) lane.sent(cursor, sent_ms);
    },
    failed: (texts, { why, detail }) => composer.giveBack(texts, strings.sendFailed[why](detail)),
  });
  const composer = new Composer((author, text) => {
    for (const { view } of lanes()) view.follow();
    outbox.add({ room, author, text });
  });
  const showPending = () => {
    const late = lanes().find(({ lane }) => (awaited.get(lane) ?? 0) > 0);
    if (sending > 0) composer.pending(strings.sending);
    else composer.pending(late === undefined ? null : strings.awaited[late.transport]);
  };

  const show = () => {
    stage.dataset['view'] = view;
    stage.replaceChildren(...lanes().map(({ view }) => view.element));
    status.replaceChildren();
    for (const { view: shown } of lanes()) {
      if (view === 'one') status.append(shown.status);
      else shown.keepStatus();
    }
    for (const { lane, transport } of lanes()) lane.use(transport);
    attach.view(lanes(), view);
  };
  const switchTo = (chosen: View) => {
    if (chosen === view) return;
    for (const { lane } of lanes()) lane.stop();
    view = chosen;
    history.replaceState(null, '', withView(location.href, view));
    show();
    showPending();
  };

  app.replaceChildren(
    h(
      'div',
      { class: 'page' },
      header(room, viewSwitch(view, switchTo), status),
      h('main', { class: 'conversation' }, stage, composer.element),
    ),
    panels.element,
  );
  attach.page({ room, panels, lanes });
  show();
}
