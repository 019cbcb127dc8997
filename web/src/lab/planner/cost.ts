// What a flow costs: each thing that happens, times what one of it was measured to cost.

import type { Transport } from '../../client/transport.ts';
import { type Flow, type Setting, flowOf, page } from './flow.ts';
import type { Constants, Model } from './model.ts';
import { US_PER_S, rested, waking_us } from './waking.ts';

/** Cores kept busy, by what they are busy with. */
export interface CpuBy {
  readonly publishing: number;
  readonly requests: number;
  readonly messages: number;
  readonly keep_alives: number;
  readonly connections: number;
}

export type Part = 'publishing' | 'requests' | 'messages' | 'keep-alives' | 'connections';

export interface Cost {
  readonly flow: Flow;
  readonly wire_bytes_in_per_s: number;
  readonly wire_bytes_out_per_s: number;
  readonly cpu: CpuBy;
  readonly client_memory_bytes: number;
}

const KIB = 1024;

/** A message of `size` bytes on the wire. */
export function wireBytes(one: Constants, size: number): number {
  return one.message_bytes + size;
}

/** CPU of one delivery to a client that gets `rate` messages of `size` bytes a second, microseconds. */
export function delivery_us(one: Constants, { size, rate }: Pick<Setting, 'size' | 'rate'>): number {
  const cold_us = one.cold_us * rested(one.cold_s, rate);
  return one.message_us + cold_us + (one.kib_us * wireBytes(one, size)) / KIB;
}

export function costOf(model: Model, transport: Transport, setting: Setting): Cost {
  const pollMessageBytes = setting.size + model.transports.poll.message_bytes;
  const flow = flowOf(transport, setting, model.contract, pollMessageBytes);
  const one = model.transports[transport];
  const answers = flow.requests_per_s - flow.empty_per_s;
  const requests_us = flow.requests_per_s * one.request_us + answers * one.answer_us;
  const messages_us = flow.deliveries_per_s * delivery_us(one, setting);
  const keepAlives_us = flow.keep_alives_per_s * one.keep_alive_us;
  const connects_us = flow.connects_per_s * model.connect_us;
  const publish_us = setting.rate * model.publish_us;
  // What follows a message finds the server awake.
  const seldom = { poll: flow.requests_per_s, 'long-poll': flow.empty_per_s, stream: 0 }[transport];
  const clients_us = requests_us + messages_us + keepAlives_us + connects_us;
  const work = { events: seldom, clients_us, publishing_us: publish_us };
  const woken_us = seldom * waking_us(model, work, setting.load);
  const largest = transport === 'poll' ? setting.rate * setting.interval_s : 1;
  const messages = Math.min(Math.max(largest, 1), page(model.contract, pollMessageBytes));
  const answerBytes = one.answer_bytes + messages * wireBytes(one, setting.size);
  const bufferBytes = one.answer_share * Math.min(answerBytes, model.contract.write_bytes);
  return {
    flow,
    wire_bytes_in_per_s: flow.requests_per_s * one.request_bytes,
    wire_bytes_out_per_s:
      flow.requests_per_s * one.answer_bytes +
      flow.deliveries_per_s * wireBytes(one, setting.size) +
      flow.keep_alives_per_s * one.keep_alive_bytes,
    cpu: {
      publishing: publish_us / US_PER_S,
      requests: (requests_us + woken_us) / US_PER_S,
      messages: messages_us / US_PER_S,
      keep_alives: keepAlives_us / US_PER_S,
      connections: connects_us / US_PER_S,
    },
    client_memory_bytes: flow.connections * (one.client_bytes + bufferBytes),
  };
}

/** All but taking messages in, which every server of several does. */
export function readers(cpu: CpuBy): number {
  return cpu.requests + cpu.messages + cpu.keep_alives + cpu.connections;
}

export function total(cpu: CpuBy): number {
  return cpu.publishing + readers(cpu);
}

/** The largest part, and its share of the whole. */
export function dominant(cpu: CpuBy): [Part, number] {
  const parts: [Part, number][] = [
    ['messages', cpu.messages],
    ['requests', cpu.requests],
    ['keep-alives', cpu.keep_alives],
    ['connections', cpu.connections],
    ['publishing', cpu.publishing],
  ];
  const most = parts.reduce((most, part) => (part[1] > most[1] ? part : most));
  const all = total(cpu);
  return [most[0], all > 0 ? most[1] / all : 0];
}
