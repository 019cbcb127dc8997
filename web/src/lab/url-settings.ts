// What the page's address asks of the lanes, and the address that asks for lanes as they are: so that a link opens
// what somebody else has prepared.
//
// `transport=` is of the one lane, `left=` and `right=` are of two, and `middle=` is between them where there are three. `interval=`,
// `mute=`, `fault=`, `cookie=`, `protocol=` and `connection=` are of every lane, or, given several times, of each from left to right. What is as it begins anyway is not in the address.

import { type CookieKib, COOKIES_KIB } from './cookie.ts';
import { type Fault, FAULTS, DURATION_MS, STALL_TIMEOUT_S } from './fault.ts';
import type { RequestedProtocol } from './protocol.ts';
import { INTERVAL_S } from './interval-scale.ts';
import { TRANSPORTS, type Transport } from '../client/transport.ts';
import type { View } from './view.ts';

/** How a lane begins, or is at the moment. */
export interface LaneSettings {
  transport: Transport;
  interval_s: number;
  stallTimeout_s: number;
  /** One that lasts. */
  fault: Fault;
  /** Whether each poll has a connection of its own. */
  connection: Connection;
  /** The size of the cookie that its requests carry. */
  cookie_kib: CookieKib;
  /** What its requests go over. */
  protocol: RequestedProtocol;
}

/** What becomes of a connection after a poll, as the server calls it. */
export type Connection = 'keep-alive' | 'close';

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
  three: [
    ['left', 'poll'],
    ['middle', 'long-poll'],
    ['right', 'stream'],
  ],
};

const NUMBERS = {
  interval: { ...INTERVAL_S, of: ({ interval_s }: LaneSettings) => interval_s },
  mute: { ...STALL_TIMEOUT_S, of: ({ stallTimeout_s }: LaneSettings) => stallTimeout_s },
};

/** A fault that ends by itself is not in the address: it would be over. */
const LASTING = FAULTS.filter((fault) => DURATION_MS[fault] === undefined);

/** What a lane can be besides, by its parameter; what comes first is what it is without a word. */
const CHOICES = {
  fault: { values: LASTING, of: ({ fault }: LaneSettings) => (LASTING.includes(fault) ? fault : 'healthy') },
  cookie: { values: ['0', '1', '4'], of: ({ cookie_kib }: LaneSettings) => String(cookie_kib) },
  protocol: { values: ['page', 'http/1.1', 'h2'], of: ({ protocol }: LaneSettings) => protocol },
  connection: { values: ['keep-alive', 'close'], of: ({ connection }: LaneSettings) => connection },
} as const satisfies Record<string, { values: readonly string[]; of: (lane: LaneSettings) => string }>;

/** The parameters read and written here. */
export const URL_PARAMETERS = [
  ...new Set(Object.values(LANES).flatMap((lanes) => lanes.map(([name]) => name))),
  ...Object.keys(NUMBERS),
  ...Object.keys(CHOICES),
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
  const choices = <Name extends keyof typeof CHOICES>(name: Name) => {
    const known: readonly string[] = CHOICES[name].values;
    const values = given.getAll(name).map((value) => {
      if (!known.includes(value)) invalid.push({ name, value, range: null });
      return known.includes(value) ? value : known[0];
    });
    return (values.length === 0 ? [known[0]] : values) as (typeof CHOICES)[Name]['values'][number][];
  };
  const [intervals, mutes] = [numbers('interval'), numbers('mute')];
  const [faults, connections] = [choices('fault'), choices('connection')];
  const cookies = choices('cookie').map((text) => COOKIES_KIB.find((kib) => String(kib) === text) ?? 0);
  const protocols = choices('protocol');
  const of = <Value>(values: readonly Value[], lane: number) => (values[lane] ?? values[0]) as Value;
  const lanes = (view: View) =>
    LANES[view].map(([name, first], lane): LaneSettings => {
      const value = given.get(name);
      const transport = TRANSPORTS.find((each) => each === value);
      if (value !== null && transport === undefined) invalid.push({ name, value, range: null });
      return {
        transport: transport ?? first,
        interval_s: of(intervals, lane),
        stallTimeout_s: of(mutes, lane),
        fault: of(faults, lane),
        connection: of(connections, lane),
        cookie_kib: of(cookies, lane),
        protocol: of(protocols, lane),
      };
    });
  const settings = { one: lanes('one'), both: lanes('both'), three: lanes('three') };
  return { settings, invalid: distinct(invalid) };
}

/** A name that lanes of several views have is told once. */
function distinct(invalid: readonly InvalidSetting[]): InvalidSetting[] {
  return invalid.filter(
    ({ name, value }, at) => invalid.findIndex((each) => each.name === name && each.value === value) === at,
  );
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
  const put = (name: string, initial: string, values: string[]) => {
    query.delete(name);
    const several = values.some((value) => value !== values[0]) ? values : values.slice(0, 1);
    if (several.some((value) => value !== initial)) for (const value of several) query.append(name, value);
  };
  for (const [name, { initial, of }] of Object.entries(NUMBERS))
    put(name, String(initial), settings.map(of).map(String));
  for (const [name, { values, of }] of Object.entries(CHOICES)) put(name, values[0], settings.map(of));
  return address.href;
}
