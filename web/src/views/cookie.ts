// Choosing the size of the cookie that a lane's requests carry.

import { COOKIES_KIB, type CookieKib, type CookieRoute, putCookie, routeOf } from '../lab/cookie.ts';
import type { Transport } from '../client/transport.ts';
import { strings } from '../i18n/index.ts';
import { h, setText } from './dom.ts';
import type { LabPlugin } from './lab-plugin.ts';
import { laneChoice } from './lane-choice.ts';
import type { ShownLane } from './lane-view.ts';

/** Every lane with its picker, as far as it has been made. */
const pickers = new Map<ShownLane['lane'], HTMLSelectElement>();

export const cookie: LabPlugin = {
  lane({ lane, view, key, first }) {
    const sizes = COOKIES_KIB.map((kib) => h('option', { value: kib }, strings.cookieSize(kib)));
    const choice = laneChoice(`${key}-cookie`, strings.cookie, sizes, strings.cookieExplained);
    const { element, select, explained } = choice;
    select.value = String(lane.cookie_kib);
    pickers.set(lane, select);
    const update = () => {
      const isElsewhere = lane.network.elsewhere !== undefined;
      select.disabled = isElsewhere;
      setText(explained, isElsewhere ? strings.cookieElsewhere : strings.cookieExplained);
      if (isElsewhere) select.value = '0';
      else follow(lane, lane.transport ?? first);
    };
    view.places.controls.append(element);
    select.addEventListener('change', () => {
      const kib = COOKIES_KIB.find((each) => String(each) === select.value) ?? 0;
      choose(lane.transport ?? first, kib);
    });
    lane.subscribe({ transport: update, client: update });
  },
};

/** All lanes that ask this route have the cookie; an open stream asks again to send it. */
function choose(transport: Transport, kib: CookieKib): void {
  const route = routeOf(transport);
  putCookie(route, kib);
  for (const [lane, select] of pickers) {
    if (!requestsRoute(lane, route)) continue;
    lane.cookie_kib = kib;
    select.value = String(kib);
    if (route === 'stream') lane.restart();
  }
}

/** Whether the lane asks this route now, at the page's own origin: a browser sends its cookies nowhere else. */
function requestsRoute({ transport, network }: ShownLane['lane'], route: CookieRoute): boolean {
  return transport !== null && network.elsewhere === undefined && routeOf(transport) === route;
}

/** A lane takes the cookie of the route that it asks now, if another asks it already, and else brings its own along. */
function follow(lane: ShownLane['lane'], transport: Transport): void {
  const route = routeOf(transport);
  const other = [...pickers.keys()].find((each) => each !== lane && requestsRoute(each, route));
  if (other !== undefined) lane.cookie_kib = other.cookie_kib;
  putCookie(route, lane.cookie_kib);
  const select = pickers.get(lane);
  if (select !== undefined) select.value = String(lane.cookie_kib);
}
