// How screen readers announce messages. A quiet conversation is read out message by message. A busy one could not be
// read out in time, so its live region is switched off, and a status reports the number of messages every few seconds.

import { strings } from '../i18n/index.ts';
import { h } from './dom.ts';
import type { LabPlugin } from './lab-plugin.ts';
import type { PageLane } from './lane-view.ts';

const STATUS_INTERVAL_MS = 5_000;
/** The maximum per interval to read out: one per second. */
const MAX_READ_OUT = 5;

interface Arrivals {
  /** Arrival times of the newest messages, oldest first; at most one more than are read out. */
  recent_ms: number[];
  /** Messages since the last status. */
  unread: number;
  isBusy: boolean;
}

const lanes = new Map<PageLane, Arrivals>();

export const announcer: LabPlugin = {
  lane(shown) {
    const arrivals: Arrivals = { recent_ms: [], unread: 0, isBusy: false };
    lanes.set(shown, arrivals);
    shown.lane.subscribe({
      messages(seen, _transport, at_ms) {
        // Messages from before the lane began are not announced.
        const fresh = seen.filter(({ delay }) => delay !== null).length;
        if (fresh === 0) return;
        const times = new Array<number>(Math.min(fresh, MAX_READ_OUT + 1)).fill(at_ms);
        arrivals.recent_ms = [...arrivals.recent_ms, ...times].slice(-MAX_READ_OUT - 1);
        arrivals.unread += fresh;
        update(shown, arrivals, at_ms);
      },
    });
  },

  page({ lanes: shownLanes }) {
    const status = h('p', { class: 'visually-hidden', 'aria-live': 'polite', 'aria-atomic': 'true' });
    document.body.append(status);
    setInterval(() => {
      const now_ms = performance.now();
      const sentences = shownLanes().flatMap((shown) => {
        const arrivals = lanes.get(shown);
        if (arrivals === undefined) return [];
        const { unread, isBusy } = arrivals;
        arrivals.unread = 0;
        update(shown, arrivals, now_ms);
        if (!isBusy || unread === 0) return [];
        return [strings.announcer.arrived(shown.view.element.getAttribute('aria-label') ?? '', unread)];
      });
      // Always a new node, so that a repeated sentence is announced again.
      status.replaceChildren(...sentences.flatMap((each) => [each, ' ']));
    }, STATUS_INTERVAL_MS);
  },
};

/** Switches the log's live region off while more arrives than can be read out. */
function update({ view }: PageLane, arrivals: Arrivals, now_ms: number): void {
  const { recent_ms } = arrivals;
  const since_ms = now_ms - STATUS_INTERVAL_MS;
  const isBusy = recent_ms.length > MAX_READ_OUT && (recent_ms[0] ?? 0) > since_ms;
  if (isBusy === arrivals.isBusy) return;
  arrivals.isBusy = isBusy;
  view.element.querySelector('[role=log]')?.setAttribute('aria-live', isBusy ? 'off' : 'polite');
}
