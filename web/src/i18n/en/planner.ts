// The planner: its inputs, its figures, and what they say.

import type { Part } from '../../lab/planner/cost.ts';
import type { Over } from '../../lab/planner/curves.ts';
import type { Field } from '../../lab/planner/fields.ts';
import { amount } from '../amounts.ts';
import type { Spacing } from '../../lab/planner/flow.ts';
import type { BeyondWhat } from '../../lab/planner/plan.ts';
import type { Limit } from '../../lab/planner/servers.ts';

export const planner = {
  planner: {
    title: 'Planner',
    explained:
      'What a number of clients would cost on each transport, computed from what was measured. All read the same room. Servers with little to do pay more for each poll: they are asleep when it comes.',
    fields: {
      clients: 'Clients',
      rate: 'Rate',
      size: 'Size',
      max_delay: 'Acceptable delay',
      server_cores: 'Cores',
      server_memory: 'Memory',
      server_network: 'Network',
      utilization: 'Used to',
      round_trip: 'Round trip',
    } satisfies Record<Field, string>,
    units: {
      clients: 'at a time',
      rate: 'messages a second to each',
      size: 'bytes of text',
      max_delay: 'seconds, at worst',
      server_cores: 'a server',
      server_memory: 'GiB a server',
      server_network: 'Gbit/s each way',
      utilization: '% of each',
      round_trip: 'ms to a client and back',
    } satisfies Record<Field, string>,
    outOfRange: (least: number, most: number) => `A number from ${amount(least)} to ${amount(most)}.`,
    servers: 'Servers and network',
    spacing: 'Messages come',
    spacings: { random: 'at random, as people write', regular: 'at equal distances' } satisfies Record<
      Spacing,
      string
    >,
    table: 'What each transport would take',
    rows: {
      interval: 'Asks every',
      requests: 'Requests a second',
      empty: 'Answered empty',
      wire_in: 'Wire bytes in a second',
      wire_out: 'Wire bytes out a second',
      cores: 'Cores busy',
      dominant: 'Mostly with',
      memory: 'Memory',
      connections: 'Connections',
      delay_mean: 'Delay, mean',
      delay_worst: 'Delay, at worst',
      servers: 'Servers',
      limit: 'Decided by',
    },
    parts: {
      publishing: 'publishing',
      requests: 'requests',
      messages: 'messages',
      'keep-alives': 'keep-alives',
      connections: 'connecting',
    } satisfies Record<Part, string>,
    limits: { cpu: 'CPU', memory: 'memory', network: 'network', delay: 'delay' } satisfies Record<
      Limit,
      string
    >,
    impossible: 'impossible',
    seconds: (value: string) => `${value} s`,
    over: {
      max_delay_s: 'Cores busy over acceptable delay',
      rate: 'Cores busy over messages a second',
      clients: 'Cores busy over clients',
    } satisfies Record<Over, string>,
    chart: (name: string, crossings: string | null) =>
      crossings === null
        ? `${name}: polling and SSE do not cross.`
        : `${name}: polling and SSE cross at ${crossings}.`,
    asked: 'asked',

    alike: 'about',
    times: (ratio: string) => `${ratio} times`,
    takesNone: (name: string, limit: string) => `${name}: no number of such servers is enough (${limit})`,
    takesOne: (name: string, part: string) => `${name} needs one server, busy mostly with ${part}`,
    takesMany: (name: string, servers: string, limit: string, part: string) =>
      `${name} needs ${servers} servers (for ${limit}), busy mostly with ${part}`,
    noInterval: (delay: string, sse: string) => `No polling interval is short enough for ${delay}. ${sse}.`,
    found: (share: string) => `, and ${share} of its requests find nothing new`,
    verdict: (interval: string, cpu: string, wire: string, found: string, poll: string, sse: string) =>
      `Polling every ${interval} takes ${cpu} the CPU and ${wire} the wire bytes of SSE${found}. ${poll}; ${sse}.`,
    between: (from: string, to: string) => `between ${from} and ${to}`,
    above: (from: string) => `above ${from}`,
    below: (to: string) => `below ${to}`,
    or: ' or ',
    rateOf: (rate: string) => `${rate} ${rate === '1' ? 'message' : 'messages'} a second`,
    // Null: never; empty: always.
    turnsByCpu: (delay: string | null) => {
      if (delay === null) return 'polling never takes less CPU than SSE, whatever delay is acceptable';
      if (delay === '') return 'polling takes less CPU than SSE, whatever delay is acceptable';
      return `polling takes less CPU than SSE if the acceptable delay is ${delay}`;
    },
    turnsByWire: (delay: string | null) => {
      if (delay === null) return 'it never takes fewer wire bytes';
      return delay === ''
        ? 'it always takes fewer wire bytes'
        : `it takes fewer wire bytes if that is ${delay}`;
    },
    turnsByRate: (rate: string | null) => {
      if (rate === null) return 'one push per message takes less CPU than polling at every rate';
      if (rate === '') return 'batching polls take less CPU than one push per message at every rate';
      return `batching polls take less CPU than one push per message at rates ${rate}`;
    },
    turns: (rate: string, clients: string, byCpu: string, byWire: string, delay: string, byRate: string) =>
      `At ${rate} to each of ${clients} ${clients === '1' ? 'client' : 'clients'}, ${byCpu}; ${byWire}. With ${delay} of acceptable delay, ${byRate}.`,
    reconnects: 'Polls this far apart find their idle connection closed, and each opens one.',
    beyondWhat: {
      'clients-per-server': (value: string) => `${value} clients on one server`,
      rate: (value: string) => `${value} messages a second`,
      size: (value: string) => `${value} bytes a message`,
      interval: (value: string) => `${value} seconds between polls`,
    } satisfies Record<BeyondWhat, (value: string) => string>,
    beyond: (asked: string, least: string, most: string) =>
      `Beyond what was measured: ${asked} (measured: ${least} to ${most}).`,
    someMachine: 'a machine',
    source: (machine: string, date: string, version: string, cpu: string, bytes: string) =>
      `Measured on ${machine}, ${date}, version ${version}. On points the model was not fitted to, it was off by ` +
      `up to ${cpu} of CPU and ${bytes} of bytes. “poll-vs-sse compare --calibrate” measures your machine.`,
  },
};
