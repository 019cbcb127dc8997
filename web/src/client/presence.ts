// Who is in the room, as the server tells it: on streams by itself, in poll answers where asked.

import type { Fetch } from './connection-factory.ts';
import { route } from './http.ts';
import { isRecord } from './message.ts';
import { TRANSPORTS, type Transport } from './transport.ts';

export interface PresentClient {
  client: string;
  /** The name of the client's user; null where it is not known. */
  author: string | null;
  /** Null for one this page does not know yet. */
  transport: Transport | null;
  /** Whose stream it reads along with; null where it reads by itself. */
  through: string | null;
  /** RFC 3339, UTC. */
  since: string;
}

export interface Presence {
  /** All who are here; `present` may list fewer. */
  count: number;
  present: PresentClient[];
}

/** Null for what is no presence: it is no part of the log, so nothing is lost by passing over it. */
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
  const { count } = value;
  return { count: typeof count === 'number' ? count : present.length, present };
}

const REQUEST_TIMEOUT_MS = 10_000;

/** Tells the server which clients read along with the stream of `client`, so that the room lists them. */
export async function reportFollowers(
  send: Fetch,
  { url, room, client }: { url?: string; room: string; client: string },
  along: readonly { client: string; author: string | null }[],
): Promise<void> {
  await send(route('presence/along', {}, url), {
    method: 'PUT',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ room, client, along }),
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
  }).catch(() => null);
}
