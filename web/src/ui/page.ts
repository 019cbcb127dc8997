// The whole page: one room read by one lane, with the conversation on one side and what it costs on the other.

import { seconds } from '../format.ts';
import { clientLabel } from '../identity.ts';
import { Lane } from '../lane.ts';
import { LedgerWatch } from '../ledger.ts';
import { Outbox } from '../outbox.ts';
import type { Link } from '../sources/source.ts';
import { strings } from '../strings.ts';
import { INTERVAL_S, type Transport } from '../transport.ts';
import { Composer } from './composer.ts';
import { CostView } from './cost.ts';
import { h } from './dom.ts';
import { header } from './header.ts';
import { LogView } from './log.ts';
import { StatusView } from './status.ts';
import { transportPicker } from './transports.ts';

const FIRST_TRANSPORT: Transport = 'poll';

export function openRoom(app: HTMLElement, room: string): void {
  document.title = strings.title(room);
  const client = clientLabel();
  const log = new LogView(room);
  const status = new StatusView();
  const cost = new CostView(client, FIRST_TRANSPORT);
  const ledger = new LedgerWatch(client, (figures) => cost.show(figures));
  let interval_s: number = INTERVAL_S.initial;
  let onTheWay = { sending: 0, awaited: 0 };
  let link: Link = { kind: 'connecting' };

  const lane = new Lane(
    { room, client },
    {
      messages(messages, transport) {
        log.messages(messages, transport);
        outbox.seen(messages);
      },
      gap(reason) {
        log.gap(reason);
        outbox.forget();
      },
      link(now, transport) {
        link = now;
        if (now.kind === 'live') {
          log.begun();
          ledger.go();
        }
        if (now.kind === 'reconnecting') ledger.pause();
        showStatus(transport);
      },
    },
  );
  const outbox = new Outbox({
    pending(sending, awaited) {
      onTheWay = { sending, awaited };
      showPending();
    },
    own: (cursor, delay_ms) => log.own(cursor, delay_ms),
    failed: (texts, { why, detail }) => composer.giveBack(texts, strings.sendFailed[why](detail)),
  });
  const composer = new Composer((author, text) => {
    log.follow();
    outbox.add({ room, author, text });
  });

  const showStatus = (transport: Transport) =>
    status.show(link, transport, strings.seconds(seconds(interval_s)));
  const showPending = () => {
    if (onTheWay.sending > 0) composer.pending(strings.sending);
    else composer.pending(onTheWay.awaited > 0 ? strings.awaited[lane.transport ?? FIRST_TRANSPORT] : null);
  };
  const use = (transport: Transport) => {
    cost.use(transport);
    lane.use(transport);
    showPending();
  };
  const picker = transportPicker(FIRST_TRANSPORT, {
    transport: use,
    interval(chosen_s) {
      interval_s = chosen_s;
      lane.setInterval(chosen_s);
    },
    intervalChosen: () => showStatus(lane.transport ?? FIRST_TRANSPORT),
  });

  app.replaceChildren(
    h(
      'div',
      { class: 'page' },
      header(room, status.element),
      h('main', { class: 'conversation' }, log.element, composer.element),
      h('aside', { class: 'panel', 'aria-label': strings.panel }, picker, cost.element),
    ),
  );

  use(FIRST_TRANSPORT);
  window.addEventListener('online', () => lane.wake());
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) lane.wake();
  });
  window.addEventListener('pageshow', (event) => {
    if (event.persisted) lane.restart();
  });
}
