// The cost of a client's reading, as the server counts it: `GET /ledger?client=…`, once a second while the page is
// visible. The responses also carry the server's time.

import { uncredentialedFetch } from './uncredentialed-fetch.ts';
import { parseEpochMs, type ServerClock } from './clock.ts';
import type { Fetch } from '../client/connection-factory.ts';
import { buildUrl } from '../client/http.ts';
import { ProtocolError, isRecord } from '../client/message.ts';
import { TRANSPORTS, type Transport } from '../client/transport.ts';
import { PollLoop } from './poll-loop.ts';
import { getRetryAfter, RefusedError } from './refused-error.ts';

export interface Cost {
  requests: number;
  /** Requests answered without a message. */
  empty: number;
  /** Deliveries. */
  messages: number;
  /** TCP connections opened. */
  connections: number;
  /**
   * What belongs to connections and not to requests, in both directions: TLS handshakes, and the frames with which
   * HTTP/2 manages a connection. Not part of `wire_bytes`.
   */
  connection_bytes: number;
  /** All bytes of requests and answers on the socket, in both directions, heads included. */
  wire_bytes: number;
  /** The part of `wire_bytes` that was response bodies, as this page read them. The rest is heads and framing. */
  body_bytes: number;
  /** The part of `body_bytes` that was presence, as this page read it. */
  presence_bytes: number;
}

/** Protocols of requests, by the server's names. */
const PROTOCOLS = ['http/1.1', 'http/1.1+tls', 'h2', 'h2+tls'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

export interface Figures {
  /** When the server began to count, as RFC 3339; null if it has not seen this client yet. */
  since: string | null;
  costs: Record<Transport, Cost>;
  /** The protocols of each transport's requests. */
  protocols: Record<Transport, readonly Protocol[]>;
}

export const NO_COST: Cost = {
  requests: 0,
  empty: 0,
  messages: 0,
  connections: 0,
  connection_bytes: 0,
  wire_bytes: 0,
  body_bytes: 0,
  presence_bytes: 0,
};

/** Applies `how` to each figure of two costs. */
export function combineCosts(one: Cost, other: Cost, how: (one: number, other: number) => number): Cost {
  const of = (figure: keyof Cost) => how(one[figure], other[figure]);
  return {
    requests: of('requests'),
    empty: of('empty'),
    messages: of('messages'),
    connections: of('connections'),
    connection_bytes: of('connection_bytes'),
    wire_bytes: of('wire_bytes'),
    body_bytes: of('body_bytes'),
    presence_bytes: of('presence_bytes'),
  };
}

export const NO_FIGURES: Figures = {
  since: null,
  costs: { poll: NO_COST, 'long-poll': NO_COST, stream: NO_COST },
  protocols: { poll: [], 'long-poll': [], stream: [] },
};

const POLL_INTERVAL_MS = 1_000;
const RESPONSE_TIMEOUT_MS = 10_000;

export function parseFigures(value: unknown): Figures {
  if (!isRecord(value) || !isRecord(value['transports']) || typeof value['since'] !== 'string')
    throw new ProtocolError('no ledger');
  const { since, transports } = value as { since: string; transports: Record<string, unknown> };
  const costs = TRANSPORTS.map((transport) => [transport, parseCost(transports[transport])] as const);
  const protocols = TRANSPORTS.map(
    (transport) => [transport, parseProtocols(transports[transport])] as const,
  );
  return {
    since,
    costs: Object.fromEntries(costs) as Record<Transport, Cost>,
    protocols: Object.fromEntries(protocols) as Record<Transport, Protocol[]>,
  };
}

function parseProtocols(value: unknown): Protocol[] {
  const protocols = isRecord(value) ? value['protocols'] : null;
  return isRecord(protocols) ? PROTOCOLS.filter((protocol) => Object.hasOwn(protocols, protocol)) : [];
}

function parseCost(value: unknown): Cost {
  const count = (name: string): number => {
    const figure = isRecord(value) ? value[name] : null;
    if (typeof figure !== 'number') throw new ProtocolError(`a ledger without ${name}`);
    return figure;
  };
  return {
    requests: count('requests'),
    empty: count('empty'),
    messages: count('messages'),
    connections: count('connections'),
    connection_bytes: count('connection_bytes_in') + count('connection_bytes_out'),
    wire_bytes: count('wire_bytes_in') + count('wire_bytes_out'),
    body_bytes: 0,
    presence_bytes: 0,
  };
}

/** Returns `NO_FIGURES` for a client that the server has never seen. */
export async function fetchFigures(
  client: string,
  clock: ServerClock,
  get: Fetch = uncredentialedFetch,
): Promise<Figures> {
  const request = new AbortController();
  const timeout = setTimeout(() => request.abort(), RESPONSE_TIMEOUT_MS);
  try {
    const request_ms = performance.now();
    const response = await get(buildUrl('ledger', { client }), { cache: 'no-store', signal: request.signal });
    const response_ms = performance.now();
    if (response.status === 404) return NO_FIGURES;
    if (!response.ok) throw new RefusedError(response);
    const answer: unknown = await response.json();
    if (isRecord(answer) && typeof answer['now'] === 'string')
      clock.sample(request_ms, response_ms, parseEpochMs(answer['now']));
    return parseFigures(answer);
  } finally {
    clearTimeout(timeout);
  }
}

/**
 * Why there are no new figures: the lane is not connected, the request failed, the server refused it, or the response
 * is invalid.
 */
export type MissingReason = 'paused' | 'away' | 'refused' | 'unreadable';

function findReason(error: unknown): MissingReason {
  if (error instanceof RefusedError) return 'refused';
  return error instanceof ProtocolError || error instanceof SyntaxError ? 'unreadable' : 'away';
}

/** Called with new figures, or with null and the reason why there are none. */
export type ShowFigures = (figures: Figures | null, missing?: MissingReason) => void;

export type WatchFigures = (
  client: string,
  clock: ServerClock,
  show: ShowFigures,
) => Pick<LedgerWatch, 'start' | 'pause' | 'end'>;

export const watchLedger: WatchFigures = (...parts) => new LedgerWatch(...parts);

/** Requests the figures while the page is visible and the lane is connected. */
export class LedgerWatch {
  readonly #client: string;
  readonly #clock: ServerClock;
  readonly #show: ShowFigures;
  readonly #loop = new PollLoop(POLL_INTERVAL_MS, () => this.#read());

  constructor(client: string, clock: ServerClock, show: ShowFigures) {
    this.#client = client;
    this.#clock = clock;
    this.#show = show;
  }

  /** Call when the server has answered the client, so that it has counted something. */
  start(): void {
    this.#loop.start();
  }

  pause(): void {
    this.#loop.pause();
    this.#show(null, 'paused');
  }

  /** Stops for good. */
  end(): void {
    this.#loop.end();
  }

  async #read(): Promise<number> {
    let wait_ms = 0;
    const figures = await fetchFigures(this.#client, this.#clock).catch((error: unknown): MissingReason => {
      wait_ms = getRetryAfter(error);
      return findReason(error);
    });
    if (this.#loop.hasEnded) return 0;
    if (!this.#loop.isRunning) this.#show(null, 'paused');
    else if (typeof figures === 'string') this.#show(null, figures);
    else this.#show(figures);
    return wait_ms;
  }
}
