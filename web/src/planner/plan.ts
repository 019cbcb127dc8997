// The answer to "what would it cost": for each transport what happens, what it takes, and how many servers that is.

import { TRANSPORTS, type Transport } from '../transport.ts';
import { type BreakEven, breakEven } from './break-even.ts';
import {
  type Cost,
  type CpuBy,
  type Part,
  US_PER_S,
  costOf,
  delivery_us,
  dominant,
  readers,
  total,
  wireBytes,
} from './cost.ts';
import type { Flow, Setting } from './flow.ts';
import type { Bounds, Model } from './model.ts';
import { type Question, SHORTEST_INTERVAL_S, interval_s, settingOf } from './question.ts';

/** What there must be enough servers for; `delay`: one message must have reached all clients in time. */
export type Limit = 'cpu' | 'memory' | 'network' | 'delay';

export interface Estimate extends Flow {
  /** How often a polling client must ask. */
  readonly interval_s: number | null;
  readonly wire_bytes_in_per_s: number;
  readonly wire_bytes_out_per_s: number;
  /** Cores kept busy, over all servers. */
  readonly cores: number;
  readonly cores_by: CpuBy;
  readonly dominant: Part;
  readonly dominant_share: number;
  readonly memory_bytes: number;
  readonly delay_mean_s: number;
  readonly delay_worst_s: number;
  /** Null: no number of them is enough. */
  readonly servers: number | null;
  readonly limit: Limit;
}

export type BeyondWhat = 'clients-per-server' | 'rate' | 'size' | 'interval';

export interface Beyond {
  readonly what: BeyondWhat;
  readonly asked: number;
  readonly least: number;
  readonly most: number;
}

export interface Plan {
  readonly transports: Readonly<Record<Transport, Estimate>>;
  readonly break_even: BreakEven;
  readonly beyond: readonly Beyond[];
}

export function planOf(model: Model, question: Question): Plan {
  const of = (transport: Transport) => estimate(model, question, transport);
  const transports = { poll: of('poll'), 'long-poll': of('long-poll'), stream: of('stream') };
  return {
    transports,
    break_even: breakEven(model, question),
    beyond: beyond(model, question, transports),
  };
}

export function estimate(model: Model, question: Question, transport: Transport): Estimate {
  const interval = transport === 'poll' ? interval_s(model, question) : null;
  const setting = settingOf(question, interval ?? SHORTEST_INTERVAL_S);
  const cost = costOf(model, transport, setting);
  const delays = delaysOf(model, question, transport, setting, cost.flow);
  const [needed, limit] = serversNeeded(model, question, cost, delays);
  const isPossible = transport !== 'poll' || interval !== null;
  const servers = isPossible && Number.isFinite(needed) ? Math.max(1, Math.ceil(needed)) : null;
  const count = servers ?? 1;
  const cores_by = { ...cost.cpu, publishing: cost.cpu.publishing * count };
  const [part, share] = dominant(cores_by);
  const processBytes = model.base_memory_bytes + model.contract.tail_bytes;
  const fanOut_s = delays.fanOut_s / count;
  return {
    ...cost.flow,
    interval_s: interval,
    wire_bytes_in_per_s: cost.wire_bytes_in_per_s,
    wire_bytes_out_per_s: cost.wire_bytes_out_per_s,
    cores: total(cores_by),
    cores_by,
    dominant: part,
    dominant_share: share,
    memory_bytes: cost.client_memory_bytes + processBytes * count,
    delay_mean_s: delays.mean_s + fanOut_s / 2,
    delay_worst_s: delays.worst_s + fanOut_s,
    servers,
    limit,
  };
}

/** How late messages are, apart from the time it takes to reach all clients. */
interface Delays {
  readonly mean_s: number;
  readonly worst_s: number;
  /** From the first to the last of the clients that wait for a message, were they all on one server. */
  readonly fanOut_s: number;
}

function delaysOf(
  model: Model,
  question: Question,
  transport: Transport,
  setting: Setting,
  flow: Flow,
): Delays {
  const one = model.transports[transport];
  const { round_trip_s, clients } = setting;
  const there_s = model.service_s + round_trip_s / 2;
  const asking_us = transport === 'long-poll' ? one.request_us + one.answer_us : 0;
  const us = delivery_us(one, setting) + asking_us;
  const bits = 8 * (one.answer_bytes + wireBytes(one, setting.size));
  const { cores, network_bits_per_s } = question.server;
  const fanOut_s = clients * Math.max(us / US_PER_S / cores, bits / network_bits_per_s);
  switch (transport) {
    case 'poll':
      return {
        mean_s: there_s + setting.interval_s / 2,
        worst_s: there_s + setting.interval_s,
        fanOut_s: 0,
      };
    case 'long-poll': {
      // What comes while a client asks anew waits until that has arrived.
      const always = setting.rate * round_trip_s >= 1 ? 1 : 0;
      const asking = setting.spacing === 'random' ? (flow.requests_per_s / clients) * round_trip_s : always;
      return {
        mean_s: there_s + (asking * round_trip_s) / 2,
        worst_s: there_s + (asking > 0 ? round_trip_s : 0),
        fanOut_s,
      };
    }
    case 'stream':
      return { mean_s: there_s, worst_s: there_s, fanOut_s };
  }
}

/** How many servers it takes, as a fraction, and what for. */
function serversNeeded(model: Model, question: Question, cost: Cost, delays: Delays): [number, Limit] {
  const { server } = question;
  const share = (part: number, room: number) => (part === 0 ? 0 : room > 0 ? part / room : Infinity);
  const processBytes = model.base_memory_bytes + model.contract.tail_bytes;
  const mostBytes = Math.max(cost.wire_bytes_in_per_s, cost.wire_bytes_out_per_s);
  const all: [number, Limit][] = [
    // Every server takes every message in.
    [share(readers(cost.cpu), server.cores * server.utilization - cost.cpu.publishing), 'cpu'],
    [share(cost.client_memory_bytes, server.memory_bytes * server.utilization - processBytes), 'memory'],
    [share(8 * mostBytes, server.network_bits_per_s * server.utilization), 'network'],
    [share(delays.fanOut_s, question.max_delay_s - delays.worst_s), 'delay'],
  ];
  return all.reduce((most, one) => (one[0] > most[0] ? one : most));
}

function beyond(
  model: Model,
  question: Question,
  transports: Readonly<Record<Transport, Estimate>>,
): Beyond[] {
  const perServer = TRANSPORTS.flatMap((transport) => {
    const { servers } = transports[transport];
    return servers === null ? [] : [question.clients / servers];
  });
  const { span } = model;
  const every_s = transports.poll.interval_s;
  const asked: [BeyondWhat, number, Bounds][] = [
    ['rate', question.rate, span.rate],
    ['size', question.size_bytes, span.size],
  ];
  if (perServer.length > 0) asked.unshift(['clients-per-server', Math.max(...perServer), span.clients]);
  if (every_s !== null) asked.push(['interval', every_s, span.interval_s]);
  return asked
    .filter(([, value, [least, most]]) => value < least || value > most)
    .map(([what, value, [least, most]]) => ({ what, asked: value, least, most }));
}
