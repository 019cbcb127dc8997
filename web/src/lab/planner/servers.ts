// How many servers a question takes by one transport, and what they spend on it.

import type { Transport } from '../../client/transport.ts';
import { type Cost, costOf, readers } from './cost.ts';
import { type Delays, delaysOf } from './delays.ts';
import type { Load } from './flow.ts';
import type { Model } from './model.ts';
import { type Question, settingOf } from './question.ts';

/** What there must be enough servers for; `delay`: one message must have reached all clients in time. */
export type Limit = 'cpu' | 'memory' | 'network' | 'delay';

export interface Served {
  readonly cost: Cost;
  readonly delays: Delays;
  /** How many servers that takes, as a fraction; infinite: no number is enough. */
  readonly needed: number;
  readonly limit: Limit;
}

/**
 * What a transport takes if a polling client asks so often. How many servers there must be follows from what each
 * can do when it is filled. What they spend follows from what each has to do then: one that is not filled wakes up
 * for more of its requests.
 */
export function serve(model: Model, question: Question, transport: Transport, interval_s: number): Served {
  const { server } = question;
  const { cores } = server;
  const settingFor = (load: Load) => settingOf(question, interval_s, load);
  const setting = settingFor({ cores, busy: server.utilization });
  const filled = costOf(model, transport, setting);
  const delays = delaysOf(model, question, transport, setting, filled.flow);
  const [needed, limit] = serversNeeded(model, question, filled, delays);
  const cost = Number.isFinite(needed)
    ? costOf(model, transport, settingFor({ cores, servers: Math.max(1, needed) }))
    : filled;
  return { cost, delays, needed, limit };
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
