// Between two lanes: the one sentence about their figures, a way to begin both anew, and in each lane how many
// messages the other has seen already.

import type { Bill } from '../account.ts';
import type { Lane } from '../lane.ts';
import { Late } from '../late.ts';
import { strings } from '../strings/index.ts';
import type { Transport } from '../transport.ts';
import { type Side, verdict } from '../verdict.ts';
import { h, setText } from './dom.ts';
import type { ShownLane } from './lane-view.ts';

/** A message that follows sooner than this was as good as there. */
const PATIENCE_MS = 120;

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

  const draw = () => {
    setText(sentence, strings.verdict(verdict(side(lanes[0]), side(lanes[1]))));
    uneven.hidden = lanes.every((lane, at) => begun[at] === lane.transport);
  };
  again.addEventListener('click', () => {
    lanes.forEach((lane, at) => {
      lane.renew();
      begun[at] = lane.transport;
    });
    draw();
  });
  lanes.forEach((lane, at) =>
    lane.subscribe({
      transport(transport) {
        begun[at] ??= transport;
        draw();
      },
      client: draw,
      figures: draw,
    }),
  );
  tellLate(left, right);
  draw();
  return h(
    'section',
    { class: 'comparison', 'aria-label': strings.comparison },
    sentence,
    h('p', { class: 'begin' }, uneven, ' ', again),
  );
}

/** A lane's figures as its table shows them. */
function side({ bill, transport }: Lane): Side {
  const used = transport ?? 'poll';
  const { requests, messages, wire_bytes } = bill.costs[used];
  return { transport: used, requests, messages, wire_bytes, delay_ms: delayOf(bill, used) };
}

function delayOf({ delays }: Bill, transport: Transport): number | null {
  const delay = delays[transport];
  return delay === null ? null : Math.max(0, Math.round(delay.median_ms));
}

function tellLate(...shown: [ShownLane, ShownLane]): void {
  const late = new Late();
  const notes = shown.map(({ view }) => {
    const note = h('p', { class: 'late', hidden: true });
    view.element.querySelector('.log-frame')?.append(note);
    return note;
  });
  const timers: (ReturnType<typeof setTimeout> | undefined)[] = [undefined, undefined];
  const draw = (at: 0 | 1, patience_ms: number) => {
    const note = notes[at];
    if (note === undefined) return;
    clearTimeout(timers[at]);
    const missing = late.missing(at);
    if (missing > 0 && note.hidden && patience_ms > 0) {
      timers[at] = setTimeout(() => draw(at, 0), patience_ms);
      return;
    }
    note.hidden = missing === 0;
    if (missing > 0) setText(note, strings.notHereYet(missing));
  };
  const drawBoth = () => ([0, 1] as const).forEach((at) => draw(at, PATIENCE_MS));
  ([0, 1] as const).forEach((at) =>
    shown[at].lane.subscribe({
      messages(sightings) {
        late.saw(
          at,
          sightings.map(({ message }) => message.cursor),
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
