// The stream: the browser's own EventSource on `GET /stream`.
//
// A lost connection is the browser's to mend; it sends the last cursor along by itself. What it does not mend is
// an answer other than 200, after which it gives up for good: then a new EventSource is opened after a pause.

import { route } from '../http.ts';
import type { Place } from '../ingest.ts';
import { isRecord, parseMessage, parseReset, type Batch } from '../message.ts';
import { pauseAfter } from '../pauses.ts';
import { parsePresence } from '../presence.ts';
import type { Link, Reader, Sink, Source } from './source.ts';

/** As `EventSource.CONNECTING` and `EventSource.CLOSED`. */
const CONNECTING = 0;
const CLOSED = 2;

export interface StreamOptions extends Reader {
  sink: Sink;
  open?: (address: string) => EventSource;
}

export class Stream implements Source {
  readonly #options: StreamOptions;
  readonly #open: (address: string) => EventSource;
  #place: (() => Place) | null = null;
  #events: EventSource | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;

  constructor(options: StreamOptions) {
    this.#options = options;
    this.#open = options.open ?? ((address) => new EventSource(address));
  }

  start(place: () => Place): void {
    this.stop();
    this.#place = place;
    this.#failures = 0;
    this.#options.sink.link({ kind: 'connecting' });
    this.#connect(place());
  }

  stop(): void {
    this.#place = null;
    this.#close();
  }

  wake(): void {
    if (this.#place !== null && this.#events === null) this.#connect(this.#place());
  }

  #close(): void {
    clearTimeout(this.#timer);
    this.#events?.close();
    this.#events = null;
  }

  #connect(place: Place): void {
    this.#close();
    const { room, client, query, sink } = this.#options;
    const events = this.#open(route('stream', { room, ...place, client, ...query?.() }));
    this.#events = events;
    sink.exchange({ kind: 'asked' });

    const listen = (type: string, heard: (event: MessageEvent<unknown>) => void) =>
      events.addEventListener(type, (event) => {
        if (this.#events === events) heard(event as MessageEvent<unknown>);
      });

    listen('open', () => {
      this.#failures = 0;
      sink.exchange({ kind: 'answered', messages: 0 });
      sink.link({ kind: 'live' });
    });
    listen('message', (event) => this.#take(event, parseMessageEvent));
    listen('reset', (event) => this.#take(event, parseResetEvent));
    listen('presence', (event) => {
      const presence = parsePresence(readJson(event));
      if (presence === null) return;
      sink.exchange({ kind: 'pushed', messages: 0 });
      sink.presence(presence);
    });
    listen('error', () => {
      sink.exchange({ kind: 'failed' });
      if (events.readyState === CLOSED) this.#later('refused');
      // Without a cursor the browser would start over with the few messages the page was opened with.
      else if (events.readyState === CONNECTING && !('cursor' in this.#now())) this.#later('network');
      else sink.link({ kind: 'reconnecting', why: 'network', detail: null });
    });
  }

  #now(): Place {
    return this.#place?.() ?? { last: 0 };
  }

  #take(event: MessageEvent<unknown>, parse: (data: unknown) => Batch): void {
    let batch: Batch;
    try {
      batch = parse(JSON.parse(String(event.data)));
    } catch {
      // To go on would be to lose this event in silence.
      this.#later('garbled');
      return;
    }
    this.#options.sink.exchange({ kind: 'pushed', messages: batch.messages.length });
    this.#options.sink.batch(batch);
  }

  #later(why: (Link & { kind: 'reconnecting' })['why']): void {
    this.#close();
    this.#failures += 1;
    this.#options.sink.link({ kind: 'reconnecting', why, detail: null });
    this.#timer = setTimeout(() => this.wake(), pauseAfter(this.#failures));
  }
}

function readJson(event: MessageEvent<unknown>): unknown {
  try {
    return JSON.parse(String(event.data));
  } catch {
    return null;
  }
}

function parseMessageEvent(data: unknown): Batch {
  const message = parseMessage(data);
  return { messages: [message], cursor: message.cursor, reset: null };
}

function parseResetEvent(data: unknown): Batch {
  return {
    messages: [],
    cursor: null,
    reset: parseReset(isRecord(data) ? data['reason'] : null) ?? 'other',
  };
}
