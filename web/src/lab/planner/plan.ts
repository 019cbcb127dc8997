// The answer to "what would it cost": for each transport what happens, what it takes, and how many servers that is.

import { TRANSPORTS, type Transport } from '../../client/transport.ts';
import { type BreakEven, breakEven } from './break-even.ts';
import { type CpuBy, type Part, dominant, total } from './cost.ts';
import type { Flow } from './flow.ts';
import type { Bounds, Model } from './model.ts';
import { type Question, SHORTEST_INTERVAL_S, interval_s } from './question.ts';
import { type Limit, serve } from './servers.ts';

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
  const { cost, delays, needed, limit } = serve(model, question, transport, interval ?? SHORTEST_INTERVAL_S);
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
