// What the page's address asks of the lanes, and the address that asks for lanes as they are: so that a link opens
// what somebody else has prepared.
//
// `transport=` is of the one lane, `left=` and `right=` are of two. `interval=` and `mute=` are of every lane, or,
// given twice, of the left and of the right one. What is as it begins anyway is not in the address.

import { MUTE_S } from './fault.ts';
import { INTERVAL_S, TRANSPORTS, type Transport } from '../client/transport.ts';
import type { View } from './view.ts';

/** How a lane begins, or is at the moment. */
export interface Setting {
  transport: Transport;
  interval_s: number;
  mute_s: number;
}

/** Something in the address that cannot be. `range` is that of a number, in seconds. */
export interface Wrong {
  name: string;
  value: string;
  range: { min: number; max: number } | null;
}

/** The lanes of each view: what their transport is called in the address, and what it is without a word. */
const LANES: Record<View, readonly (readonly [string, Transport])[]> = {
  one: [['transport', 'poll']],
  both: [
    ['left', 'poll'],
    ['right', 'stream'],
  ],
};

const NUMBERS = {
  interval: { ...INTERVAL_S, of: ({ interval_s }: Setting) => interval_s },
  mute: { ...MUTE_S, step: 0, of: ({ mute_s }: Setting) => mute_s },
};

/** The parameters read and written here. */
export const ASKED = [
  ...Object.values(LANES).flatMap((lanes) => lanes.map(([name]) => name)),
  ...Object.keys(NUMBERS),
];

export function settingsFrom(search: string): { settings: Record<View, Setting[]>; wrong: Wrong[] } {
  const given = new URLSearchParams(search);
  const wrong: Wrong[] = [];
  const numbers = (name: keyof typeof NUMBERS): number[] => {
    const { min, max, step, initial } = NUMBERS[name];
    const values = given.getAll(name).map((value) => {
      const number = value.trim() === '' ? NaN : Number(value);
      if (number >= min && number <= max && (step === 0 || number % step === 0)) return number;
      wrong.push({ name, value, range: { min, max } });
      return initial;
    });
    return values.length === 0 ? [initial] : values;
  };
  const [intervals, mutes] = [numbers('interval'), numbers('mute')];
  const of = (values: number[], lane: number) => values[lane] ?? values[0] ?? NaN;
  const lanes = (view: View) =>
    LANES[view].map(([name, first], lane): Setting => {
      const value = given.get(name);
      const transport = TRANSPORTS.find((each) => each === value);
      if (value !== null && transport === undefined) wrong.push({ name, value, range: null });
      return {
        transport: transport ?? first,
        interval_s: of(intervals, lane),
        mute_s: of(mutes, lane),
      };
    });
  return { settings: { one: lanes('one'), both: lanes('both') }, wrong };
}

/** `page` with the lanes of a view as they are. */
export function withSettings(page: string, view: View, settings: readonly Setting[]): string {
  const address = new URL(page);
  const query = address.searchParams;
  LANES[view].forEach(([name, first], lane) => {
    const { transport = first } = settings[lane] ?? {};
    if (transport === first) query.delete(name);
    else query.set(name, transport);
  });
  for (const [name, { initial, of }] of Object.entries(NUMBERS)) {
    query.delete(name);
    const values = settings.map(of);
    const several = values.some((value) => value !== values[0]) ? values : values.slice(0, 1);
    if (several.some((value) => value !== initial))
      for (const value of several) query.append(name, String(value));
  }
  return address.href;
}
