// English: the planner.

import type { Field, ArrivalPattern } from '../../lab/planner/fields.ts';
import type { Dimension, Limit, CurveAxis, Part } from '../../lab/planner/plan.ts';
import { formatAmount } from '../amounts.ts';

const count = (amount: string, thing: string) => `${amount} ${thing}${amount === '1' ? '' : 's'}`;

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
    outOfRange: (least: number, most: number) =>
      `A number from ${formatAmount(least)} to ${formatAmount(most)}.`,
    servers: 'Servers and network',
    stack: 'On',
    ownServer: 'this server, as calibrated',
    spacing: 'Messages come',
    spacings: { random: 'at random, as people write', regular: 'at equal distances' } satisfies Record<
      ArrivalPattern,
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
      kernel_memory: 'Memory of the kernel',
      connections: 'Connections',
      delay_mean: 'Delay, mean',
      delay_worst: 'Delay, at worst',
      servers: 'Servers',
      limit: 'Decided by',
    },
    parts: {
      process: 'the process itself',
      publishing: 'publishing',
      requests: 'requests',
      messages: 'messages',
      'keep-alives': 'keep-alives',
      connections: 'connecting',
    } satisfies Record<Part, string>,
    limits: {
      cpu: 'CPU',
      memory: 'memory',
      network: 'network',
      workers: 'workers',
      delay: 'delay',
    } satisfies Record<Limit, string>,
    impossible: 'impossible',
    seconds: (value: string) => `${value} s`,
    over: {
      max_delay_s: 'Cores busy over acceptable delay',
      rate: 'Cores busy over messages a second',
      clients: 'Cores busy over clients',
    } satisfies Record<CurveAxis, string>,
    chart: (name: string, crossings: string | null) =>
      crossings === null
        ? `${name}: polling and SSE do not cross.`
        : `${name}: polling and SSE cross at ${crossings}.`,
    asked: 'asked',

    times: (ratio: string) => `${ratio} times`,
    takesNone: (name: string, limit: string) => `${name}: no number of such servers is enough (${limit}).`,
    takesOne: (name: string, part: string) => `${name} needs one server, busy mostly with ${part}.`,
    takesMany: (name: string, servers: string, limit: string, part: string) =>
      `${name} needs ${servers} servers (for ${limit}), busy mostly with ${part}.`,
    noInterval: (delay: string, isStreamEnough: boolean) =>
      `No polling interval is short enough for ${delay}${isStreamEnough ? ': this takes SSE' : ', and SSE does not suffice either'}.`,
    noServers: (forPolling: boolean, forSse: boolean) =>
      `No number of such servers is enough for ${forPolling && forSse ? 'polling or SSE' : forPolling ? 'polling' : 'SSE'}.`,
    neverBoth: 'Polling and SSE are not both possible, whatever delay is acceptable.',
    found: (share: string) => `${share} of the polls find nothing new.`,
    // A ratio is null if both are about the same.
    verdict: (clients: string, interval: string, cpu: string | null, wire: string | null) => {
      const takes =
        cpu === null
          ? wire === null
            ? 'about the same CPU and wire bytes as SSE'
            : `about the same CPU as SSE, and ${wire} its wire bytes`
          : wire === null
            ? `${cpu} the CPU of SSE, and about as many wire bytes`
            : `${cpu} the CPU and ${wire} the wire bytes of SSE`;
      return `For ${count(clients, 'client')}, polling every ${interval} takes ${takes}.`;
    },
    between: (from: string, to: string) => `between ${from} and ${to}`,
    above: (from: string) => `above ${from}`,
    below: (to: string) => `below ${to}`,
    or: ' or ',
    rateOf: (rate: string) => `${count(rate, 'message')} a second`,
    // A range is null for never, and empty for always.
    turnsByDelay: (rate: string, cpu: string | null, wire: string | null) => {
      const takes = (what: string, delay: string | null) =>
        delay === null
          ? `never takes ${what} than SSE`
          : delay === ''
            ? `always takes ${what} than SSE`
            : `takes ${what} than SSE if the acceptable delay is ${delay}`;
      return `At ${rate}, polling ${takes('less CPU', cpu)}; it ${takes('fewer bytes', wire)}.`;
    },
    turnsByRate: (delay: string, rate: string | null) => {
      const when =
        rate === null
          ? 'at no rate of messages'
          : rate === ''
            ? 'at every rate of messages'
            : `at rates ${rate}`;
      return `With ${delay} of acceptable delay, polling takes less CPU than SSE ${when}.`;
    },
    reconnects: 'Polls this far apart find their idle connection closed, and each opens a new one.',
    step: (delay: string, idle: string) =>
      `The step at ${delay} of delay: the server closes connections that are idle for ${idle}, so polls further apart each pay for a new connection.`,
    minutes: (value: string) => `${value} min`,
    noAnswer: 'The server does not answer the planner; the last answer stays until it does.',
    noAnswerYet: 'The server does not answer the planner. The page asks again.',
    howSure: 'How sure is that?',
    sameForMany: (clients: number) => `The same for ${formatAmount(clients)} clients`,
    filled: 'Filled in from what the lanes saw in the last minute.',
    nothingObserved: 'The lanes have not seen enough traffic yet: start some, and wait a few seconds.',
    beyondWhat: {
      'clients-per-server': (value: string) => `${count(value, 'client')} on one server`,
      rate: (value: string) => `${count(value, 'message')} a second`,
      size: (value: string) => `${count(value, 'byte')} a message`,
      interval: (value: string) => `${count(value, 'second')} between polls`,
    } satisfies Record<Exclude<Dimension, 'load'>, (value: string) => string>,
    beyond: (asked: string, least: string, most: string) =>
      `Beyond what was measured: ${asked} (measured: ${least} to ${most}).`,
    lightLoad: (load: string, least: string) =>
      `Beyond what the model knows: polls keep ${load} of each core busy. At ${least} or less, it ` +
      `overestimated polling by more than two times in some measured cases.`,
    someMachine: 'a machine',
    stackSource: (title: string, setup: string, date: string, cpu: string, bytes: string) =>
      `Computed from what a run measured of ${title} (each core with ${setup}), ${date}. With streams at a steady rate, ` +
      `which the model was not fitted to, it was off by up to ${cpu} of CPU and ${bytes} of bytes. Memory of polling ` +
      `clients, and what opening a connection takes, were not measured and are not in it.`,
    source: (machine: string, date: string, version: string, cpu: string, bytes: string) =>
      `Measured on ${machine}, ${date}, version ${version}. On points the model was not fitted to, it was off by ` +
      `up to ${cpu} of CPU and ${bytes} of bytes. “poll-vs-sse compare --calibrate” measures your machine.`,
  },
};
