// English: what is wrong with the page or its address, and a way on.

import type { Feature } from '../../lab/browser-features.ts';

const FEATURES: Record<Feature, string> = {
  storage: 'storage (your name is not remembered)',
  locks: 'Web Locks (each tab opens connections of its own)',
  channels: 'channels between tabs (each tab opens a stream of its own)',
};

export const pageNotice = {
  notice: 'Notice',
  reload: 'Reload the page',
  close: 'Close',
  newer: 'The server has a newer page than this one. Nothing is lost by reloading it.',
  garbled:
    'The server answered with something this page cannot read. It asks again by itself; a newer page may understand it.',
  unknownValue: (name: string, value: string) =>
    `The address asks for “${name}=${value}”, which this page does not know. It does without.`,
  wrongNumber: (name: string, value: string, min: number, max: number) =>
    `The address asks for “${name}=${value}”; ${name === 'interval' ? 'an interval is a multiple of a quarter' : 'that has to be a number'} from ${min} to ${max} seconds. It does without.`,
  refused: (features: readonly Feature[]) =>
    `This browser refuses this page ${features.map((each) => FEATURES[each]).join(', ')}. Everything else works.`,
  failedTitle: 'This page could not begin',
  failed:
    'Something in it does not work in this browser. Reloading may help, and so may a newer browser. The messages are safe with the server.',
};
