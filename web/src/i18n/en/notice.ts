// English: notices about the page or its address.

import type { Feature } from '../../lab/browser-features.ts';
import type { SettingRange } from '../../lab/url-settings.ts';
import { formatAmount } from '../amounts.ts';

const FEATURES: Record<Feature, string> = {
  storage: 'storage (your name is not remembered)',
  locks: 'Web Locks (each tab opens connections of its own)',
  channels: 'channels between tabs (each tab opens a stream of its own)',
};

const UNITS: Record<SettingRange['unit'], string> = {
  seconds: ' seconds',
  'messages-per-second': ' messages a second',
  none: '',
};

export const pageNotice = {
  notice: 'Notice',
  reload: 'Reload the page',
  close: 'Close',
  newer: 'The server has a newer page than this one. Reload it; no message is lost.',
  garbled:
    'The server answered with something this page cannot read. The page asks again by itself; a newer page may be able to read it.',
  tokenNeeded: 'The server does not let this page read the room without a token that allows it.',
  enterToken: 'Enter a token',
  unknownValue: (name: string, value: string) =>
    `The address contains “${name}=${value}”, which this page does not know and ignores.`,
  unknownNames: (names: readonly string[]) =>
    `The address contains ${names.map((name) => `“${name}”`).join(' and ')}, which this page does not know and ignores.`,
  wrongNumber: (name: string, value: string, { min, max, unit }: SettingRange) =>
    `The address contains “${name}=${value}”, which this page ignores: the value must be a number from ${formatAmount(min)} to ${formatAmount(max)}${UNITS[unit]}.`,
  protocolMissing: (protocol: string) =>
    `The address asks for ${protocol}, which this browser cannot have from this server; the lane reads over what the page came over.`,
  refused: (features: readonly Feature[]) =>
    `This browser refuses this page ${features.map((each) => FEATURES[each]).join(', ')}. Everything else works.`,
  failedTitle: 'This page could not begin',
  failed:
    'Part of it does not work in this browser. Reload the page, or try a newer browser. The server still has all messages.',
};
