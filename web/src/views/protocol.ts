// The picker for a lane's HTTP version, if this browser can use both of the server's origins.

import {
  type RequestedProtocol,
  findOrigins,
  HTTP_VERSIONS,
  type OtherOrigin,
  type ReachableOrigins,
} from '../lab/protocol.ts';
import type { HttpVersion } from '../client/http-version.ts';
import type { Lane } from '../lab/lane.ts';
import { strings } from '../i18n/index.ts';
import { startOver } from './comparison.ts';
import { h } from './dom.ts';
import type { LabPlugin } from './lab-plugin.ts';
import { createLaneChoice } from './lane-choice.ts';
import type { PageLane } from './lane-view.ts';

/** Determined once, when the first lane is created. */
let reach: Promise<ReachableOrigins> | null = null;
/** The lanes of the current view. */
let current: () => readonly PageLane[] = () => [];

export const protocol: LabPlugin = {
  lane(shown) {
    reach ??= findOrigins();
    void reach.then(({ own, other }) => {
      if (own !== null && other !== null) addPicker(shown, own, other);
    });
  },
  page: ({ lanes }) => (current = lanes),
};

/** Applies the lanes' requested protocols before they begin. Returns those that are unavailable, which are ignored. */
export async function applyProtocols(lanes: readonly Lane[]): Promise<HttpVersion[]> {
  if (lanes.every((lane) => lane.protocol === 'page')) return [];
  const { own, other } = await (reach ??= findOrigins());
  const missing = new Set<HttpVersion>();
  for (const lane of lanes) {
    const requested = lane.protocol;
    if (requested === 'page') continue;
    const isOther = requested === other?.version;
    if (!isOther && requested !== own) missing.add(requested);
    if (isOther) lane.network.setOrigin(other);
    else lane.protocol = 'page';
  }
  return [...missing];
}

/** The protocols for the address: `page` for all lanes, unless one of them differs from the page. */
export function getRequestedProtocols(lanes: readonly Lane[]): RequestedProtocol[] {
  const protocols = lanes.map((lane) => lane.network.crossOriginVersion ?? lane.protocol);
  const other = protocols.find((each) => each !== 'page');
  const own = HTTP_VERSIONS.find((version) => version !== other) ?? 'page';
  return protocols.map((each) => (other !== undefined && each === 'page' ? own : each));
}

function addPicker({ lane, view, key }: PageLane, own: HttpVersion, other: OtherOrigin): void {
  const versions = HTTP_VERSIONS.map((version) =>
    h('option', { value: version }, strings.protocols[version]),
  );
  const choice = createLaneChoice(`${key}-protocol`, strings.protocol, versions, strings.protocolExplained);
  const { element, select } = choice;
  select.value = lane.network.crossOriginVersion ?? own;
  view.places.controls.append(element);
  select.addEventListener('change', () => {
    const isOther = select.value === other.version;
    lane.protocol = isOther ? other.version : 'page';
    lane.network.setOrigin(isOther ? other : null);
    // Figures over two protocols would be mixed, so all lanes start over at the same moment.
    startOver(current().map((each) => each.lane));
  });
}
