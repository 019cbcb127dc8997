// The reasons for notices about the whole page: invalid parameters, refused features, a missing token, and a page that
// is out of date.

import { strings } from '../i18n/index.ts';
import { isKnown } from '../i18n/language.ts';
import { findRefusedFeatures } from '../lab/browser-features.ts';
import type { Lane } from '../lab/lane.ts';
import { findUnknownParameters } from '../lab/room.ts';
import { isNewerVersion } from '../lab/update-check.ts';
import type { InvalidSetting } from '../lab/url-settings.ts';
import { needsToken } from '../lab/token.ts';
import { parseView } from '../lab/view.ts';
import { PRESENT_PARAMETER } from './keys.ts';
import type { Notice } from './notice.ts';

/**
 * Offers to reload the page if a lane gets an invalid response, or if the server has a newer page. While the lane is not
 * connected it says so once, as the user may have closed the notice.
 */
export function watchForReload(lane: Lane, notice: Notice, script: string): void {
  const reload = { label: strings.pageNotice.reload, act: () => location.reload() };
  let wasLost = false;
  let isReported = false;
  lane.subscribe({
    link(link) {
      if (link.kind === 'reconnecting') {
        wasLost = true;
        if (link.why !== 'garbled' || isReported) return;
        isReported = true;
        notice.show(strings.pageNotice.garbled, reload);
      }
      if (link.kind !== 'live' || !wasLost) return;
      wasLost = isReported = false;
      void isNewerVersion(script, './').then((isNewer) => {
        if (isNewer) notice.show(strings.pageNotice.newer, reload);
      });
    },
  });
}

/** Leads to the token field if the server refuses to let a lane read without another token; once, as above. */
export function watchForToken(lane: Lane, notice: Notice, openTokenField: () => void): void {
  const { tokenNeeded, enterToken } = strings.pageNotice;
  let isReported = false;
  lane.subscribe({
    link(link) {
      if (needsToken(link, lane.network.fault !== 'healthy')) {
        if (!isReported) notice.append(tokenNeeded, { label: enterToken, act: openTokenField });
        isReported = true;
      } else if (link.kind === 'live') {
        if (isReported) notice.remove(tokenNeeded);
        isReported = false;
      }
    },
  });
}

/** Reports invalid and unknown parameters of the address. */
export function reportInvalidSettings(notice: Notice, invalid: readonly InvalidSetting[]): void {
  const given = new URLSearchParams(location.search);
  const unknown = [
    ['view', given.get('view'), parseView(location.search) === null],
    ['lang', given.get('lang'), !isKnown(given.get('lang') ?? 'en')],
    [PRESENT_PARAMETER, given.get(PRESENT_PARAMETER), given.get(PRESENT_PARAMETER) !== '1'],
  ] as const;
  const all = [
    ...unknown.flatMap(([name, value, isUnknown]) =>
      value !== null && isUnknown ? [{ name, value, range: null }] : [],
    ),
    ...invalid,
  ];
  for (const { name, value, range } of all) {
    if (range === null) reportUnknown(notice, name, value);
    else notice.append(strings.pageNotice.wrongNumber(name, shorten(value), range));
  }
  const names = findUnknownParameters(location.search);
  if (names.length > 0) notice.append(strings.pageNotice.unknownNames(names.map(shorten)));
}

/** Reports a parameter of the address with an unknown value. */
export function reportUnknown(notice: Notice, name: string, value: string): void {
  notice.append(strings.pageNotice.unknownValue(name, shorten(value)));
}

const shorten = (text: string) => text.slice(0, 40);

/** Reports features that the browser refuses to let the page use. */
export async function reportRefusedFeatures(notice: Notice): Promise<void> {
  const refused = await findRefusedFeatures();
  if (refused.length > 0) notice.append(strings.pageNotice.refused(refused));
}
