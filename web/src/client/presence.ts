// The clients in a room. Streams bring them on every change, polls on request.

import type { Fetch } from './connection-factory.ts';
import { buildUrl } from './http.ts';
import { isRecord } from './message.ts';
import { TRANSPORTS, type Transport } from './transport.ts';

export interface PresentClient {
  client: string;
  /** The name of the client's user; null if it is unknown. */
  author: string | null;
  /** Null for a transport that only a newer server knows. */
  transport: Transport | null;
  /** The client whose stream it follows; null if it reads by itself. */
  through: string | null;
  /** RFC 3339, UTC. */
  since: string;
}

export interface Presence {
  room: string;
  /** Number of clients in the room; `present` may list fewer. */
  count: number;
  present: PresentClient[];
}

/** Null if `value` is invalid. Presence is not part of the log, so ignoring it loses no message. */
export function parsePresence(value: unknown): Presence | null {
  if (!isRecord(value) || !Array.isArray(value['present'])) return null;
  const present = value['present'].filter(isRecord).flatMap((reader): PresentClient[] => {
    const { client, author, transport, through, since } = reader;
    if (typeof client !== 'string') return [];
    return [
      {
        client,
        author: typeof author === 'string' ? author : null,
        transport: TRANSPORTS.find((each) => each === transport) ?? null,
        through: typeof through === 'string' ? through : null,
        since: typeof since === 'string' ? since : '',
      },
    ];
  });
  const { room, count } = value;
  return {
    room: typeof room === 'string' ? room : '',
    count: typeof count === 'number' ? count : present.length,
    present,
  };
}

const REQUEST_TIMEOUT_MS = 10_000;

/** Tells the server which clients follow the stream of `client`, so that presence lists them. */
export async function reportFollowers(
  send: Fetch,
  { url, room: rooms, client }: { url?: string; room: string | readonly string[]; client: string },
  along: readonly { client: string; author: string | null }[],
): Promise<void> {
  const report = (room: string) =>
    send(buildUrl('presence/along', {}, url), {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ room, client, along }),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    }).catch(() => null);
  await Promise.all((typeof rooms === 'string' ? [rooms] : rooms).map(report));
}
