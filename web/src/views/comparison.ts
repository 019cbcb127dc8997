// Between two lanes: the one sentence about their figures, a way to begin both anew, and in each lane how many
// messages the other has seen already.

import type { Lane } from '../lab/lane.ts';
import { PendingMessages } from '../lab/pending-on-other-lane.ts';
import type { Missing } from '../lab/ledger.ts';
import { strings } from '../i18n/index.ts';
import type { Transport } from '../client/transport.ts';
import { type Side, verdict } from '../lab/verdict.ts';
import { sharedWith, statsLink } from './stats-link.ts';
import { h, setText } from './dom.ts';
import type { ShownLane } from './lane-view.ts';

/** A message that follows sooner than this was as good as there. */
const SHOW_DELAY_MS = 120;

export function comparison([left, right]: readonly [ShownLane, ShownLane]): HTMLElement {
  const sentence = h('p', { class: 'verdict', title: strings.verdictFrom });
  const uneven = h('span', { class: 'uneven', hidden: true }, strings.unevenTime);
  const again = h(
    'button',
    { type: 'button', class: 'quiet', title: strings.startOverHint },
    strings.startOver,
  );
  const lanes = [left.lane, right.lane] as const;
  const begun = lanes.map(() => null as Transport | null);
  /** Those whose figures are not of all the time since both began. */
  const partly = new Set<Lane>();
  const missing = new Map<Lane, Missing | null>();

  const draw = () => {
    sentence.replaceChildren(...about(lanes, [...missing.values()].includes('unreadable')));
    uneven.hidden = partly.size === 0;
  };
  again.addEventListener('click', () => {
    partly.clear();
    lanes.forEach((lane, at) => {
      begun[at] = lane.transport;
      lane.renew();
    });
    draw();
  });
  lanes.forEach((lane, at) =>
    lane.subscribe({
      transport(transport) {
        begun[at] ??= transport;
        if (begun[at] !== transport) partly.add(lane);
        draw();
      },
      link() {
        if (sharedWith(lane) !== null) partly.add(lane);
        draw();
      },
      client: draw,
      stats(_stats, _at_ms, why) {
        missing.set(lane, why);
        draw();
      },
    }),
  );
  showPendingMessages(left, right);
  draw();
  return h(
    'section',
    { class: 'comparison', 'aria-label': strings.comparison },
    h('h2', { class: 'visually-hidden' }, strings.comparison),
    sentence,
    h('p', { class: 'begin' }, uneven, ' ', again),
  );
}

/** What the figures of one lane or of two say, as text. */
export function sentenceOf(lanes: readonly Lane[]): string {
  const [left, right] = lanes;
  if (left !== undefined && right !== undefined) {
    const said = h('p');
    said.append(...about([left, right], false));
    return said.textContent;
  }
  if (left === undefined || left.stats.since === null) return strings.noFiguresYet;
  const { requests, wire_bytes, messages } = left.stats.used.cost;
  return strings.oneLane(strings.transports[left.transport ?? 'poll'], requests, messages, wire_bytes);
}

/** What there is to say of two lanes. Without both their figures there is nothing to compare. */
function about(lanes: readonly [Lane, Lane], unreadable: boolean): (Node | string)[] {
  const along = lanes.flatMap((lane) => {
    const client = sharedWith(lane);
    return client === null
      ? []
      : [strings.readsAlong(strings.transports[lane.transport ?? 'poll']), ' ', statsLink(client), '. '];
  });
  if (along.length > 0) return along;
  const [left, right] = lanes;
  if (left.stats.since !== null && right.stats.since !== null)
    return [strings.verdict(verdict(side(left), side(right)))];
  return [unreadable ? strings.unreadable : strings.noFiguresYet];
}

/** A lane's figures as its table shows them. */
function side({ stats, transport }: Lane): Side {
  const { cost, polls, delays } = stats.used;
  return {
    transport: transport ?? 'poll',
    polled: polls.requests > 0,
    requests: cost.requests,
    messages: cost.messages,
    wire_bytes: cost.wire_bytes,
    delay_ms: delays === null ? null : Math.max(0, Math.round(delays.median_ms)),
  };
}

function showPendingMessages(...shown: [ShownLane, ShownLane]): void {
  const late = new PendingMessages();
  const notes = shown.map(({ view }) => {
    const note = h('p', { class: 'late', hidden: true });
    view.element.querySelector('.log-frame')?.append(note);
    return note;
  });
  const timers: (ReturnType<typeof setTimeout> | undefined)[] = [undefined, undefined];
  const draw = (at: 0 | 1, delay_ms: number) => {
    const note = notes[at];
    if (note === undefined) return;
    clearTimeout(timers[at]);
    const missing = late.missing(at);
    if (missing > 0 && note.hidden && delay_ms > 0) {
      timers[at] = setTimeout(() => draw(at, 0), delay_ms);
      return;
    }
    note.hidden = missing === 0;
    if (missing > 0) setText(note, strings.notHereYet(missing));
  };
  const drawBoth = () => ([0, 1] as const).forEach((at) => draw(at, SHOW_DELAY_MS));
  ([0, 1] as const).forEach((at) =>
    shown[at].lane.subscribe({
      messages(seen) {
        late.saw(
          at,
          seen.map(({ message }) => message.cursor),
        );
        drawBoth();
      },
      gap() {
        late.gap(at);
        drawBoth();
      },
      stopped() {
        late.forget();
        drawBoth();
      },
    }),
  );
}
