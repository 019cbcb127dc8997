// A stream that is replaced by polls while it is mute.
//
// A stream may be open and deliver nothing: behind a buffering proxy, or if its connection died without an error. Then
// polls replace it, and it is tried again after growing pauses. Only one of the two feeds the sink: the first event of
// a new stream ends the polls. If the cursor has advanced since it was opened, it is opened again at the new cursor.

import type { Position } from '../ingest.ts';
import { Polling } from './polling.ts';
import { type Fallback, createForwardingSink, createSubstituteSink, type Source } from './source.ts';
import { Stream, type StreamOptions } from './stream.ts';

/** The longest pause between two attempts, in milliseconds. */
const MAX_PAUSE_MS = 300_000;

/** When a page wakes, a stream that has been silent for this part of the stall time-out is suspect: two of three
 * keep-alives are missing. */
const SUSPECT_SHARE = 0.75;

export interface StreamWithFallbackOptions extends Omit<StreamOptions, 'onEvent' | 'onStalled'> {
  /** The interval of the polls that replace the stream. */
  interval_ms: () => number;
}

/**
 * `polled-once`: one poll, then the stream. `mute`: polls, until the next attempt. `trying`: polls, and a stream
 * without an event so far.
 */
type State = 'stopped' | 'streaming' | 'polled-once' | 'mute' | 'trying';

export class StreamWithFallback implements Source {
  readonly #options: StreamWithFallbackOptions;
  readonly #stream: Stream;
  readonly #polls: Polling;
  #state: State = 'stopped';
  #position: () => Position = () => ({ last: 0 });
  #triedPosition = '';
  #attempts = 0;
  #idle_s = 0;
  #retry_at_ms = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: StreamWithFallbackOptions) {
    this.#options = options;
    const { sink } = options;
    this.#stream = new Stream({
      ...options,
      sink: createForwardingSink(sink, {
        // A new stream is not reported until its first event.
        link: (link) => {
          if (this.#state === 'streaming') sink.link(link);
        },
        exchange: (exchange, by) => {
          if (this.#state === 'streaming') sink.exchange(exchange, by);
        },
      }),
      onEvent: () => this.#onEvent(),
      onStalled: () => this.#onStalled(),
    });
    this.#polls = new Polling({
      ...options,
      wait_s: 0,
      sink: createSubstituteSink(sink, {
        link: (link) => {
          if (link.kind === 'live' && this.#state === 'polled-once') this.#reopen();
          else if (link.kind === 'live') sink.link({ kind: 'live', fallback: this.#fallback });
          else if (link.kind === 'reconnecting') sink.link(link);
        },
      }),
    });
  }

  start(position: () => Position, hasSlept = false): void {
    this.stop();
    this.#position = position;
    if (hasSlept) this.#pollOnce();
    else {
      this.#state = 'streaming';
      this.#stream.start(position);
    }
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#state = 'stopped';
    this.#attempts = 0;
    this.#stream.stop();
    this.#polls.stop();
  }

  reconnect(): void {
    if (this.#state === 'streaming') {
      if (this.#stream.idle_ms > SUSPECT_SHARE * this.#options.connections.stallTimeout_ms) this.#pollOnce();
      else this.#stream.reconnect();
    } else if (this.#state !== 'stopped') {
      this.#polls.reconnect();
      if (this.#state === 'mute') this.#retry();
    }
  }

  get #fallback(): Fallback {
    return { why: 'mute', idle_s: this.#idle_s, retry_at_ms: this.#retry_at_ms };
  }

  #pollOnce(): void {
    this.#stream.stop();
    this.#options.sink.link({ kind: 'connecting' });
    this.#state = 'polled-once';
    this.#polls.start(this.#position);
  }

  #reopen(): void {
    this.#polls.stop();
    this.#state = 'streaming';
    this.#stream.start(this.#position);
  }

  #onStalled(): void {
    if (this.#state === 'streaming') {
      this.#idle_s = this.#stream.idle_ms / 1_000;
      this.#stream.stop();
      this.#pause();
      this.#options.sink.link({ kind: 'live', fallback: this.#fallback });
      this.#polls.start(this.#position);
    } else if (this.#state === 'trying') {
      this.#stream.stop();
      this.#pause();
      this.#options.sink.link({ kind: 'live', fallback: this.#fallback });
    }
  }

  #pause(): void {
    this.#state = 'mute';
    this.#attempts += 1;
    const pause_ms = Math.min(
      MAX_PAUSE_MS,
      this.#options.connections.stallTimeout_ms * 2 ** (this.#attempts - 1),
    );
    this.#retry_at_ms = performance.now() + pause_ms;
    this.#timer = setTimeout(() => this.#retry(), pause_ms);
  }

  #retry(): void {
    clearTimeout(this.#timer);
    this.#state = 'trying';
    const position = this.#position();
    this.#triedPosition = JSON.stringify(position);
    this.#stream.start(this.#position);
  }

  #onEvent(): void {
    if (this.#state !== 'trying') {
      this.#attempts = 0;
      return;
    }
    this.#polls.stop();
    this.#state = 'streaming';
    this.#attempts = 0;
    if (JSON.stringify(this.#position()) === this.#triedPosition) this.#options.sink.link({ kind: 'live' });
    else this.#stream.start(this.#position);
  }
}
