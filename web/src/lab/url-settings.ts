// The lanes' settings in the page's URL, so that a link opens the page as it was prepared.
//
// `transport=` is for a single lane, `left=` and `right=` for two, with `middle=` between them for three.
// `interval=`, `mute=`, `fault=`, `cookie=`, `protocol=` and `connection=` apply to all lanes or, if given several
// times, to each lane from left to right. The URL omits defaults.

import { type CookieKib, COOKIES_KIB } from './cookie.ts';
import { type Fault, FAULTS, isLasting, STALL_TIMEOUT_S } from './fault.ts';
import type { RequestedProtocol } from './protocol.ts';
import { INTERVAL_S } from './interval-scale.ts';
import { TRANSPORTS, type Transport } from '../client/transport.ts';
import type { View } from './view.ts';

export interface LaneSettings {
  transport: Transport;
  interval_s: number;
  stallTimeout_s: number;
  /** Only a fault that lasts is in the URL. */
  fault: Fault;
  /** `close` if each poll uses a new connection. */
  connection: ConnectionMode;
  /** The size of the cookie that its requests carry. */
  cookie_kib: CookieKib;
  /** The protocol of its requests. */
  protocol: RequestedProtocol;
}

/** What happens to a connection after a poll: the values of the server's parameter `connection`. */
export type ConnectionMode = 'keep-alive' | 'close';

/** The valid range of a number in the URL. `none` if the name of the parameter implies the unit. */
export interface SettingRange {
  min: number;
  max: number;
  unit: 'seconds' | 'messages-per-second' | 'none';
}

/** An invalid parameter of the URL. `range` is null if it is not a number. */
export interface InvalidSetting {
  name: string;
  value: string;
  range: SettingRange | null;
}

/** The lanes of each view: the parameter of their transport, and its default. */
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
  interval: { ...INTERVAL_S, get: ({ interval_s }: LaneSettings) => interval_s },
  mute: { ...STALL_TIMEOUT_S, get: ({ stallTimeout_s }: LaneSettings) => stallTimeout_s },
};

/** A fault that ends by itself is not in the URL, as it would be over. */
const LASTING_FAULTS = FAULTS.filter(isLasting);

/** Further settings by their parameter; the first value is the default. */
const CHOICES = {
  fault: {
    values: LASTING_FAULTS,
    get: ({ fault }: LaneSettings) => (LASTING_FAULTS.includes(fault) ? fault : 'healthy'),
  },
  cookie: { values: ['0', '1', '4'], get: ({ cookie_kib }: LaneSettings) => String(cookie_kib) },
  protocol: { values: ['page', 'http/1.1', 'h2'], get: ({ protocol }: LaneSettings) => protocol },
  connection: { values: ['keep-alive', 'close'], get: ({ connection }: LaneSettings) => connection },
} as const satisfies Record<string, { values: readonly string[]; get: (lane: LaneSettings) => string }>;

/** The parameters read and written here. */
export const URL_PARAMETERS = [
  ...new Set(Object.values(LANES).flatMap((lanes) => lanes.map(([name]) => name))),
  ...Object.keys(NUMBERS),
  ...Object.keys(CHOICES),
];

export function parseSettings(search: string): {
  settings: Record<View, LaneSettings[]>;
  invalid: InvalidSetting[];
} {
  const parameters = new URLSearchParams(search);
  const invalid: InvalidSetting[] = [];
  const numbers = (name: keyof typeof NUMBERS): number[] => {
    const { min, max, initial } = NUMBERS[name];
    const values = parameters.getAll(name).map((value) => {
      const number = value.trim() === '' ? NaN : Number(value);
      if (number >= min && number <= max) return number;
      invalid.push({ name, value, range: { min, max, unit: 'seconds' } });
      return initial;
    });
    return values.length === 0 ? [initial] : values;
  };
  const choices = <Name extends keyof typeof CHOICES>(name: Name) => {
    const known: readonly string[] = CHOICES[name].values;
    const values = parameters.getAll(name).map((value) => {
      if (!known.includes(value)) invalid.push({ name, value, range: null });
      return known.includes(value) ? value : known[0];
    });
    return (values.length === 0 ? [known[0]] : values) as (typeof CHOICES)[Name]['values'][number][];
  };
  const [intervals, mutes] = [numbers('interval'), numbers('mute')];
  const [faults, connections] = [choices('fault'), choices('connection')];
  const cookies = choices('cookie').map((text) => COOKIES_KIB.find((kib) => String(kib) === text) ?? 0);
  const protocols = choices('protocol');
  const pick = <Value>(values: readonly Value[], lane: number) => (values[lane] ?? values[0]) as Value;
  const lanes = (view: View) =>
    LANES[view].map(([name, first], lane): LaneSettings => {
      const value = parameters.get(name);
      const transport = TRANSPORTS.find((each) => each === value);
      if (value !== null && transport === undefined) invalid.push({ name, value, range: null });
      return {
        transport: transport ?? first,
        interval_s: pick(intervals, lane),
        stallTimeout_s: pick(mutes, lane),
        fault: pick(faults, lane),
        connection: pick(connections, lane),
        cookie_kib: pick(cookies, lane),
        protocol: pick(protocols, lane),
      };
    });
  const settings = { one: lanes('one'), both: lanes('both'), three: lanes('three') };
  return { settings, invalid: removeDuplicates(invalid) };
}

/** Removes duplicates, as lanes of several views share a parameter. */
function removeDuplicates(invalid: readonly InvalidSetting[]): InvalidSetting[] {
  return invalid.filter(
    ({ name, value }, at) => invalid.findIndex((each) => each.name === name && each.value === value) === at,
  );
}

/** The URL `page` with the settings of a view's lanes. */
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
  for (const [name, { initial, get }] of Object.entries(NUMBERS))
    put(name, String(initial), settings.map(get).map(String));
  for (const [name, { values, get }] of Object.entries(CHOICES)) put(name, values[0], settings.map(get));
  return address.href;
}
