// What this page's reading has cost, as the server counted it: `GET /ledger?client=…`, once a second while the
// page is visible.

import { type Fetch, route } from './http.ts';
import { Garbled, isRecord } from './message.ts';
import { TRANSPORTS, type Transport } from './transport.ts';

export interface Cost {
  requests: number;
  /** Requests answered with no message. */
  empty: number;
  /** Deliveries. */
  messages: number;
  /** All that crossed the socket, both ways, heads included. */
  wire_bytes: number;
}

export interface Figures {
  /** When the server began to count; null where it has not seen this client yet. */
  since: string | null;
  costs: Record<Transport, Cost>;
}

export const NO_COST: Cost = { requests: 0, empty: 0, messages: 0, wire_bytes: 0 };

export const NO_FIGURES: Figures = {
  since: null,
  costs: { poll: NO_COST, 'long-poll': NO_COST, stream: NO_COST },
};

const EVERY_MS = 1_000;
const PATIENCE_MS = 10_000;

export function parseFigures(value: unknown): Figures {
  if (!isRecord(value) || !isRecord(value['transports'])) throw new Garbled('a ledger without transports');
  const transports = value['transports'];
  const costs = TRANSPORTS.map((transport) => [transport, parseCost(transports[transport])] as const);
  return {
    since: typeof value['since'] === 'string' ? value['since'] : null,
    costs: Object.fromEntries(costs) as Record<Transport, Cost>,
  };
}

function parseCost(value: unknown): Cost {
  if (!isRecord(value)) return NO_COST;
  const count = (name: string) => (typeof value[name] === 'number' ? value[name] : 0);
  return {
    requests: count('requests'),
    empty: count('empty'),
    messages: count('messages'),
    wire_bytes: count('wire_bytes_in') + count('wire_bytes_out'),
  };
}

/** A client the server has never seen has cost nothing. */
export async function fetchFigures(
  client: string,
  get: Fetch = (...call) => fetch(...call),
): Promise<Figures> {
  const request = new AbortController();
  const timeout = setTimeout(() => request.abort(), PATIENCE_MS);
  try {
    const response = await get(route('ledger', { client }), { cache: 'no-store', signal: request.signal });
    if (response.status === 404) return NO_FIGURES;
    if (!response.ok) throw new Garbled(`the ledger answered ${response.status}`);
    return parseFigures(await response.json());
  } finally {
    clearTimeout(timeout);
  }
}

/** Asks for the figures while the page is visible and the server is known to be there. */
export class LedgerWatch {
  readonly #client: string;
  readonly #show: (figures: Figures | null) => void;
  #going = false;
  #asking = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `show` is given new figures, or null where there are none to be had at the moment. */
  constructor(client: string, show: (figures: Figures | null) => void) {
    this.#client = client;
    this.#show = show;
    document.addEventListener('visibilitychange', () => void this.#ask());
  }

  /** The server has answered the client, so it has counted something. */
  go(): void {
    if (this.#going) return;
    this.#going = true;
    void this.#ask();
  }

  pause(): void {
    this.#going = false;
    clearTimeout(this.#timer);
    this.#show(null);
  }

  async #ask(): Promise<void> {
    clearTimeout(this.#timer);
    if (!this.#going || this.#asking || document.hidden) return;
    this.#asking = true;
    const figures = await fetchFigures(this.#client).catch(() => null);
    this.#asking = false;
    this.#show(this.#going ? figures : null);
    this.#timer = setTimeout(() => void this.#ask(), EVERY_MS);
  }
}
