// English: a lane's transport, settings, status and cost.

import { formatPercent } from '../amounts.ts';
import { formatCount, formatSeconds } from '../format.ts';
import type { MissingReason, Protocol } from '../../lab/ledger.ts';
import type { LanePosition } from '../../lab/verdict.ts';
import type { Transport } from '../../client/transport.ts';

export const lane = {
  transport: 'Transport',
  transports: { poll: 'Polling', 'long-poll': 'Long-polling', stream: 'SSE' } satisfies Record<
    Transport,
    string
  >,
  laneName: (transport: string, place: string | null) =>
    place === null ? transport : `${transport} (${place})`,
  places: { left: 'left', middle: 'middle', right: 'right' } satisfies Record<LanePosition, string>,
  explained: {
    poll: 'Asks again and again. In a quiet room, most answers say that there is nothing new.',
    'long-poll': 'Asks, and the server holds the answer back until there is something to say.',
    stream: 'Asks once. The answer never ends; the server writes each message into it.',
  } satisfies Record<Transport, string>,
  interval: 'Polling interval',
  intervalExplained: 'From the start of one poll to the start of the next.',
  secondsSpoken: (value: number) => `${formatSeconds(value)} ${value === 1 ? 'second' : 'seconds'}`,

  protocols: {
    'http/1.1': 'HTTP/1.1',
    'http/1.1+tls': 'HTTP/1.1 over TLS',
    h2: 'HTTP/2',
    'h2+tls': 'HTTP/2 over TLS',
  } satisfies Record<Protocol, string>,
  overProtocol: (protocol: string) => `over ${protocol}`,
  tlsVersion: (protocol: string, version: string) => `${protocol} ${version}`,
  protocol: 'Protocol',
  protocolExplained:
    'A browser chooses the protocol by the address: HTTP/1.1 at the server’s cleartext address, HTTP/2 at its address with TLS. All lanes begin to count again.',
  cookie: 'Cookie',
  cookieSize: (kib: number) => (kib === 0 ? 'none' : `${kib} KiB`),
  cookieExplained:
    'Sent with each request, as a site’s own cookies are. A browser keeps it by route, so lanes that ask the same one share it.',
  cookieElsewhere:
    'This lane reads at the server’s other address, to which the browser sends no cookie of the page.',

  connecting: 'Connecting…',
  live: {
    poll: (interval_s: number) => `Polling every ${formatSeconds(interval_s)} s`,
    'long-poll': () => 'Long-polling',
    stream: () => 'Streaming over SSE',
  } satisfies Record<Transport, (interval_s: number) => string>,
  reconnecting: 'Reconnecting…',
  reconnectingWhy: {
    network: () => 'There is no connection to the server.',
    refused: (detail: string | null) => detail ?? 'The server refuses at the moment.',
    unanswered: () =>
      'There is no answer, not even a refusal. The server or the network hangs, or other tabs hold all six connections that a browser opens to one server; then closing some helps.',
    garbled: () => 'The server sends what this page does not understand; reloading it may help.',
  },

  glance: {
    name: 'At a glance',
    requests: (requests: number, empty: number) =>
      requests === 0
        ? 'requests'
        : `${requests === 1 ? 'request' : 'requests'}, ${empty === 0 ? 'none' : formatCount(empty)} for nothing`,
    /** `overhead` is null before the first byte. */
    wire_bytes: (overhead: number | null) =>
      overhead === null
        ? 'bytes'
        : `bytes, ${formatPercent(overhead).replace(' ', '\u00a0')} of them overhead`,
    overheadExplained: 'Heads, and what frames the messages: all that is no message.',
    delay_ms: (waiting: number) => `median delay${waiting === 0 ? '' : `, ${formatCount(waiting)} waiting`}`,
  },

  cost: 'Cost',
  costSummary: (requests: number, wire_bytes: number) =>
    `${formatCount(requests)} ${requests === 1 ? 'request' : 'requests'} · ${formatCount(wire_bytes)} bytes`,
  costRows: {
    requests: 'Requests',
    empty: 'Empty answers',
    messages: 'Messages',
    connections: 'Connections',
    connection_bytes: 'Connection bytes',
    wire_bytes: 'Wire bytes',
    head_bytes: 'of which heads',
    presence_bytes: 'of which presence',
    bytes_per_message: 'Bytes per message',
    delay_median: 'Delay (median)',
    delay_95: 'Delay (95 %)',
  },
  costExplained: {
    requests: 'how often it asked',
    empty: 'without a message',
    messages: 'delivered to this client',
    connections: 'TCP, by first request',
    connection_bytes: 'TLS, settings; not in wire bytes',
    wire_bytes: 'both ways, with heads',
    head_bytes: 'all but the bodies',
    presence_bytes: 'who is here, while shown',
    bytes_per_message: 'wire bytes by messages',
    delay_median: 'half were seen sooner',
    delay_95: '95 of 100 were sooner',
  },
  /** For a client that uses a connection that another one opened: over HTTP/2 both use it, over HTTP/1.1 only this one. */
  sharedConnection: (none: string) => `${none}, shares one`,
  reusedConnection: (none: string) => `${none}, reused one`,
  noFigure: '–',
  costOf: 'What reading has cost this page',
  countedFor: 'Counted by the server for client',
  countedSince: (time: string) => `since ${time}.`,
  notYet: 'as soon as it has seen it.',
  /** Why there are no new figures. `figuresOf` or `noFiguresYet` follows. */
  missing: {
    paused: 'This lane has no connection at the moment.',
    away: 'The server does not answer when it is asked for the figures.',
    refused: 'The server refuses to give the figures at the moment; this page asks again later.',
    unreadable: 'What the server answers when it is asked for the figures cannot be read.',
  } satisfies Record<MissingReason, string>,
  figuresOf: (time: string) => `These are of ${time}.`,
  noFiguresYet: 'There are no figures yet.',
  standIn: (transport: string, requests: number, messages: number) =>
    `${transport}, with polling standing in: ${formatCount(requests)} of these requests and ${formatCount(messages)} of these messages were polls’.`,
  alongOnly:
    'This lane reads along with another tab’s stream: here is only what it asked by itself. The bill is on client',
  rawFigures: 'Raw figures',
};
