// Tracks when each of several lanes saw each message, and which messages a lane still lacks. Lanes are numbered from 0.

import { quantile } from './delays.ts';
import type { Message } from '../client/message.ts';

/** How many of the newest messages are tracked: what the greatest rate publishes within the longest polling interval. */
const MAX_MESSAGES = 4_000;

/** A lane's delay of a message in ms; null if it is not comparable; undefined if the lane has not seen the message. */
type SeenDelay = number | null | undefined;

interface TrackedMessage {
  message: Message;
  /** By `performance.now()`; null until a lane reports a delay. */
  published_ms: number | null;
  seen: SeenDelay[];
  /** Whether it counts in `seenByAll`. */
  isCounted: boolean;
}

/** Ids increase through a log, so each part of it is the messages up to one id. */
interface LogProgress {
  newest_id: number;
  /** The newest message that was tracked and is no longer. */
  dropped_id: number;
}

export class SharedMessages {
  readonly #lanes: number;
  readonly #entries = new Map<string, TrackedMessage>();
  readonly #logs = new Map<string, LogProgress>();
  /** The log of each lane's last message. */
  readonly #lastLogs: (string | undefined)[];
  /** How many messages were dropped before the lane had seen them. */
  readonly #droppedMissing: number[];
  #seenByAll = 0;

  constructor(lanes: number) {
    this.#lanes = lanes;
    this.#lastLogs = Array.from({ length: lanes });
    this.#droppedMissing = Array.from({ length: lanes }, () => 0);
  }

  /** A lane saw a message at `at_ms`; `delay_ms` is null if it was published before the lane began. */
  recordSeen(lane: number, message: Message, delay_ms: number | null, at_ms: number): void {
    const name = getLog(message);
    const log = this.#logs.get(name) ?? { newest_id: 0, dropped_id: 0 };
    this.#logs.set(name, log);
    this.#lastLogs[lane] = name;
    log.newest_id = Math.max(log.newest_id, message.id);
    // Tracked again, it would count as missing in the lanes that saw it before it was dropped.
    if (message.id <= log.dropped_id) return this.#recordDropped(lane);
    const entry = this.#entries.get(message.cursor) ?? this.#track(message);
    entry.seen[lane] = delay_ms;
    if (delay_ms !== null) entry.published_ms ??= at_ms - delay_ms;
    if (!entry.isCounted && entry.seen.every((delay) => typeof delay === 'number')) {
      entry.isCounted = true;
      this.#seenByAll += 1;
    }
    this.#dropOldest();
  }

  /** Replaces the delay of a message by the true one, as this page published it. */
  correct(lane: number, cursor: string, delay_ms: number): void {
    const entry = this.#entries.get(cursor);
    if (typeof entry?.seen[lane] === 'number') entry.seen[lane] = delay_ms;
  }

  /** The number of messages that another lane has seen and this one has not. */
  countMissing(lane: number): number {
    let count = this.#droppedMissing[lane] ?? 0;
    for (const { seen } of this.#entries.values()) if (seen[lane] === undefined) count += 1;
    return count;
  }

  /**
   * The messages that another lane has seen and this one has not, oldest first. Null if they are not known exactly: too
   * many are missing, or the lanes read different logs.
   */
  getMissing(lane: number): Message[] | null {
    if (this.#droppedMissing[lane] !== 0) return null;
    const missing = [...this.#entries.values()]
      .filter(({ seen }) => seen[lane] === undefined)
      .map(({ message }) => message);
    const logs = new Set([...this.#lastLogs.filter((log) => log !== undefined), ...missing.map(getLog)]);
    return missing.length > 0 && logs.size > 1 ? null : missing;
  }

  /** The number of messages that all lanes have seen since they began. */
  get seenByAll(): number {
    return this.#seenByAll;
  }

  /** How long the oldest message that a lane lacks has been waiting; null if it lacks none. */
  longestWait_ms(lane: number, now_ms: number): number | null {
    let published_ms = Infinity;
    for (const entry of this.#entries.values())
      if (entry.seen[lane] === undefined && entry.published_ms !== null)
        published_ms = Math.min(published_ms, entry.published_ms);
    return published_ms === Infinity ? null : now_ms - published_ms;
  }

  /**
   * The median delay of a lane over the messages published since all lanes began. A message that the lane still lacks
   * counts with its delay so far.
   */
  median_ms(lane: number, now_ms: number): number | null {
    const delays: number[] = [];
    for (const { published_ms, seen } of this.#entries.values()) {
      if (published_ms === null || seen.includes(null)) continue;
      delays.push(seen[lane] ?? Math.max(0, now_ms - published_ms));
    }
    // A typed array sorts numbers several times faster, and this runs with each message.
    return delays.length === 0 ? null : quantile(Float64Array.from(delays).sort(), 0.5);
  }

  /** The lane had a gap, so the messages that it lacks may never come. */
  recordGap(lane: number): void {
    this.#droppedMissing[lane] = 0;
    for (const { seen } of this.#entries.values()) if (seen[lane] === undefined) seen[lane] = null;
  }

  /** Begins again with the next message. One that a lane has seen before is not compared, and no lane lacks it. */
  restart(): void {
    this.#entries.clear();
    this.#droppedMissing.fill(0);
    this.#seenByAll = 0;
    for (const log of this.#logs.values()) log.dropped_id = log.newest_id;
  }

  #track(message: Message): TrackedMessage {
    const seen = Array.from({ length: this.#lanes }, (): SeenDelay => undefined);
    const entry = { message, published_ms: null, seen, isCounted: false };
    this.#entries.set(message.cursor, entry);
    return entry;
  }

  #dropOldest(): void {
    for (const [cursor, { message, seen }] of this.#entries) {
      if (this.#entries.size <= MAX_MESSAGES) break;
      this.#entries.delete(cursor);
      const log = this.#logs.get(getLog(message));
      if (log !== undefined) log.dropped_id = Math.max(log.dropped_id, message.id);
      seen.forEach((delay, lane) => {
        if (delay === undefined) this.#droppedMissing[lane] = (this.#droppedMissing[lane] ?? 0) + 1;
      });
    }
  }

  #recordDropped(lane: number): void {
    this.#droppedMissing[lane] = Math.max(0, (this.#droppedMissing[lane] ?? 0) - 1);
  }
}

/** The log that a message belongs to: the server writes a cursor as the log's identity and the message's id. */
function getLog({ cursor, id }: Message): string {
  return cursor.endsWith(`-${id}`) ? cursor.slice(0, -String(id).length) : '';
}
