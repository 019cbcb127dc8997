// Messages and poll responses, validated once on arrival.

export interface Message {
  /** Increases through the whole log; gaps within a room are normal. */
  id: number;
  /** The position just after this message. It names its log, so it is unique across logs. */
  cursor: string;
  room: string;
  author: string;
  text: string;
  /** RFC 3339, UTC. */
  sent_at: string;
}

/** Why messages may be missing: no longer retained, a cursor of another log, or a reason of a newer server. */
export type Reset = 'expired' | 'unknown' | 'other';

/** The messages of one response or one event. */
export interface Batch {
  messages: Message[];
  /** Where to continue; null if the event has no cursor. */
  cursor: string | null;
  reset: Reset | null;
}

/** The server sent something that violates its API. */
export class ProtocolError extends Error {}

export function parseMessage(value: unknown): Message {
  if (!isRecord(value)) throw new ProtocolError('a message is not an object');
  const { id, cursor, room, author, text, sent_at } = value;
  if (typeof id !== 'number' || !Number.isSafeInteger(id)) throw new ProtocolError('a message without an id');
  if (typeof cursor !== 'string' || cursor === '') throw new ProtocolError('a message without a cursor');
  if (typeof room !== 'string') throw new ProtocolError('a message without a room');
  if (typeof author !== 'string' || typeof text !== 'string')
    throw new ProtocolError('a message without an author or text');
  if (typeof sent_at !== 'string') throw new ProtocolError('a message without a time');
  return { id, cursor, room, author, text, sent_at };
}

export function parseReset(value: unknown): Reset | null {
  if (value === null || value === undefined) return null;
  // A reason that only a newer server knows is still a gap.
  return value === 'expired' || value === 'unknown' ? value : 'other';
}

/** The body of a response to `GET /poll`. */
export function parsePollPage(value: unknown): Batch & { more: boolean } {
  if (!isRecord(value) || !Array.isArray(value['messages']))
    throw new ProtocolError('a poll response without messages');
  const { cursor } = value;
  if (typeof cursor !== 'string' || cursor === '')
    throw new ProtocolError('a poll response without a cursor');
  return {
    messages: value['messages'].map(parseMessage),
    cursor,
    more: value['more'] === true,
    reset: parseReset(value['reset']),
  };
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
