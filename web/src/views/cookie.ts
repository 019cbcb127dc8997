// The picker for the size of the cookie in a lane's requests.

import { COOKIES_KIB, type CookieKib, type CookieRoute, setCookie, getCookieRoute } from '../lab/cookie.ts';
import type { Transport } from '../client/transport.ts';
import { strings } from '../i18n/index.ts';
import { h, setText } from './dom.ts';
import type { LabPlugin } from './lab-plugin.ts';
import { createLaneChoice } from './lane-choice.ts';
import type { PageLane } from './lane-view.ts';

/** The picker of each lane. */
const pickers = new Map<PageLane['lane'], HTMLSelectElement>();

export const cookie: LabPlugin = {
  lane({ lane, view, key, first }) {
    const sizes = COOKIES_KIB.map((kib) => h('option', { value: kib }, strings.cookieSize(kib)));
    const choice = createLaneChoice(`${key}-cookie`, strings.cookie, sizes, strings.cookieExplained);
    const { element, select, explained } = choice;
    select.value = String(lane.cookie_kib);
    pickers.set(lane, select);
    const update = () => {
      const isElsewhere = lane.network.crossOriginVersion !== undefined;
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

/** Sets the cookie of all lanes that request the same route. An open stream reconnects in order to send it. */
function choose(transport: Transport, kib: CookieKib): void {
  const route = getCookieRoute(transport);
  setCookie(route, kib);
  for (const [lane, select] of pickers) {
    if (!requestsRoute(lane, route)) continue;
    lane.cookie_kib = kib;
    select.value = String(kib);
    if (route === 'stream') lane.restart();
  }
}

/** Whether the lane requests this route at the page's own origin, as browsers do not send its cookies elsewhere. */
function requestsRoute({ transport, network }: PageLane['lane'], route: CookieRoute): boolean {
  return (
    transport !== null && network.crossOriginVersion === undefined && getCookieRoute(transport) === route
  );
}

/** A lane that changes its route adopts the cookie of another lane on that route; otherwise it keeps its own size. */
function follow(lane: PageLane['lane'], transport: Transport): void {
  const route = getCookieRoute(transport);
  const other = [...pickers.keys()].find((each) => each !== lane && requestsRoute(each, route));
  if (other !== undefined) lane.cookie_kib = other.cookie_kib;
  setCookie(route, lane.cookie_kib);
  const select = pickers.get(lane);
  if (select !== undefined) select.value = String(lane.cookie_kib);
}
