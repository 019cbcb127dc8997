// Publishes real messages through `POST /messages`, within limits.
//
// One pattern runs at a time. Messages are due at planned times (open loop). If publishing does not keep up they are
// late; at most two are in flight.

import { createIdempotencyKey } from './identity.ts';
import type { Message } from '../client/message.ts';
import { isRefusal, publish, type Draft, type PublishResult } from './publish.ts';

export type Pattern = 'chatty' | 'burst' | 'steady';

export const BURST_SIZE = 200;
/** Messages per second. */
export const RATE = { min: 0.1, max: 50, initial: 2 } as const;
/** A pattern ends at either limit. The messages suffice for ten minutes at 20 per second. */
export const LIMITS = { minutes: 15, messages: 15_000 } as const;

/** The mean gap between two messages of a chatty room. */
const CHATTY_GAP_MS = 1_500;
/** Leaves connections for polls and the ledger, as a browser opens only six. */
const MAX_IN_FLIGHT = 2;
/** A pattern ends after this many failures in a row. */
const MAX_FAILURES = 3;

export type TrafficEnd =
  /** A burst is complete. */
  | { kind: 'done' }
  | { kind: 'stopped' }
  /** The page was hidden or left. */
  | { kind: 'hidden' }
  | { kind: 'limit' }
  | { kind: 'failed'; why: PublishResult & { ok: false } };

export interface Progress {
  pattern: Pattern;
  published: number;
  failed: number;
}

export interface TrafficListener {
  progress(progress: Progress): void;
  published(message: Message, sent_ms: number): void;
  ended(how: TrafficEnd, progress: Progress): void;
}

export interface TrafficParts {
  room: string;
  author: string;
  /** The text of a pattern's message `number`, from 1. */
  text: (pattern: Pattern, number: number) => string;
  send?: (draft: Draft, key: string) => Promise<PublishResult>;
  random?: () => number;
}

interface TrafficRun extends Progress {
  start_ms: number;
  started: number;
  in_flight: number;
  failures_in_a_row: number;
  due_ms: number;
  /** Steady pattern: the part of the period that had passed when the last message was due. */
  phase: number;
}

export class Traffic {
  readonly #parts: Required<TrafficParts>;
  readonly #listener: TrafficListener;
  #run: TrafficRun | null = null;
  #rate: number = RATE.initial;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: TrafficParts, listener: TrafficListener) {
    this.#parts = { send: publish, random: Math.random, ...parts };
    this.#listener = listener;
  }

  get pattern(): Pattern | null {
    return this.#run?.pattern ?? null;
  }

  /** Applies to the steady pattern, from the next message on. */
  setRate(per_second: number): void {
    this.#rate = Math.min(RATE.max, Math.max(RATE.min, per_second));
    if (this.#run?.pattern !== 'steady') return;
    // Begins a new period.
    this.#run.phase = 1;
    this.#run.due_ms = performance.now() + this.#gap_ms(this.#run);
    this.#publishDue(this.#run);
  }

  start(pattern: Pattern): void {
    this.stop();
    const now_ms = performance.now();
    this.#run = {
      pattern,
      published: 0,
      failed: 0,
      start_ms: now_ms,
      started: 0,
      in_flight: 0,
      failures_in_a_row: 0,
      due_ms: now_ms,
      phase: 0,
    };
    this.#listener.progress(this.#run);
    this.#publishDue(this.#run);
  }

  stop(how: TrafficEnd = { kind: 'stopped' }): void {
    clearTimeout(this.#timer);
    const run = this.#run;
    this.#run = null;
    if (run !== null) this.#listener.ended(how, run);
  }

  #publishDue(run: TrafficRun): void {
    clearTimeout(this.#timer);
    while (run === this.#run) {
      const now_ms = performance.now();
      const max = run.pattern === 'burst' ? BURST_SIZE : LIMITS.messages;
      if (run.started >= max) {
        // Waits for the last responses.
        if (run.in_flight === 0) this.stop({ kind: run.pattern === 'burst' ? 'done' : 'limit' });
        return;
      }
      if (now_ms - run.start_ms > LIMITS.minutes * 60_000) return this.stop({ kind: 'limit' });
      if (run.in_flight >= MAX_IN_FLIGHT) return;
      if (run.due_ms > now_ms) {
        this.#timer = setTimeout(() => this.#publishDue(run), run.due_ms - now_ms);
        return;
      }
      run.due_ms = Math.max(run.due_ms, now_ms - 1_000) + this.#gap_ms(run);
      void this.#publish(run);
    }
  }

  async #publish(run: TrafficRun): Promise<void> {
    const { room, author, text, send } = this.#parts;
    run.started += 1;
    run.in_flight += 1;
    const sent_ms = performance.now();
    const result = await send({ room, author, text: text(run.pattern, run.started) }, createIdempotencyKey());
    run.in_flight -= 1;
    if (result.ok) {
      run.published += 1;
      run.failures_in_a_row = 0;
      this.#listener.published(result.message, sent_ms);
    } else {
      run.failed += 1;
      run.failures_in_a_row += 1;
    }
    if (run !== this.#run) return;
    this.#listener.progress(run);
    // After a refusal, the server would refuse the next one too.
    if (!result.ok && (isRefusal(result) || run.failures_in_a_row >= MAX_FAILURES))
      return this.stop({ kind: 'failed', why: result });
    this.#publishDue(run);
  }

  #gap_ms(run: TrafficRun): number {
    switch (run.pattern) {
      case 'burst':
        return 0;
      case 'steady': {
        // One message at a random moment of each period, so the rate is exact and polls cannot be in phase with it.
        const before = run.phase;
        run.phase = this.#parts.random();
        return (1 - before + run.phase) * (1_000 / this.#rate);
      }
      case 'chatty':
        // Exponential gaps, as if people wrote independently.
        return -Math.log(1 - this.#parts.random()) * CHATTY_GAP_MS;
    }
  }
}
