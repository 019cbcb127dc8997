// What the page's address asks of the lanes, and the address that asks for lanes as they are: so that a link opens
// what somebody else has prepared.
//
// `transport=` is of the one lane, `left=` and `right=` are of two. `interval=` and `mute=` are of every lane, or,
// given twice, of the left and of the right one. What is as it begins anyway is not in the address.

import { STALL_TIMEOUT_S } from './fault.ts';
import { INTERVAL_S, TRANSPORTS, type Transport } from '../client/transport.ts';
import type { View } from './view.ts';

/** How a lane begins, or is at the moment. */
export interface LaneSettings {
  transport: Transport;
  interval_s: number;
  stallTimeout_s: number;
}

/** Something in the address that cannot be. `range` is that of a number, in seconds. */
export interface InvalidSetting {
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
  interval: { ...INTERVAL_S, of: ({ interval_s }: LaneSettings) => interval_s },
  mute: { ...STALL_TIMEOUT_S, of: ({ stallTimeout_s }: LaneSettings) => stallTimeout_s },
};

/** The parameters read and written here. */
export const URL_PARAMETERS = [
  ...Object.values(LANES).flatMap((lanes) => lanes.map(([name]) => name)),
  ...Object.keys(NUMBERS),
];

export function settingsFrom(search: string): {
  settings: Record<View, LaneSettings[]>;
  invalid: InvalidSetting[];
} {
  const given = new URLSearchParams(search);
  const invalid: InvalidSetting[] = [];
  const numbers = (name: keyof typeof NUMBERS): number[] => {
    const { min, max, initial } = NUMBERS[name];
    const values = given.getAll(name).map((value) => {
      const number = value.trim() === '' ? NaN : Number(value);
      if (number >= min && number <= max) return number;
      invalid.push({ name, value, range: { min, max } });
      return initial;
    });
    return values.length === 0 ? [initial] : values;
  };
  const [intervals, mutes] = [numbers('interval'), numbers('mute')];
  const of = (values: number[], lane: number) => values[lane] ?? values[0] ?? NaN;
  const lanes = (view: View) =>
    LANES[view].map(([name, first], lane): LaneSettings => {
      const value = given.get(name);
      const transport = TRANSPORTS.find((each) => each === value);
      if (value !== null && transport === undefined) invalid.push({ name, value, range: null });
      return {
        transport: transport ?? first,
        interval_s: of(intervals, lane),
        stallTimeout_s: of(mutes, lane),
      };
    });
  return { settings: { one: lanes('one'), both: lanes('both') }, invalid };
}

/** `page` with the lanes of a view as they are. */
export function withSettings(page: string, view: View, settings: readonly LaneSettings[]): string {
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
