import { describe, expect, test } from 'vitest';
import { Sequence } from '../src/lab/diagram/sequence.ts';
import type { TraceEvent } from '../src/lab/trace.ts';

let seq = 0;

function event(at_ms: number, kind: TraceEvent['kind'], more: Partial<TraceEvent> = {}): TraceEvent {
  seq += 1;
  const nothing = { bytes_in: 0, bytes_out: 0, messages: 0, status: null, content: null, tls_version: null };
  const status = kind === 'answer' ? 200 : null;
  return { seq, at_ms, connection: 1, kind, transport: 'poll', ...nothing, status, ...more };
}

const stream = (at_ms: number, kind: TraceEvent['kind'], connection = 1, more: Partial<TraceEvent> = {}) =>
  event(at_ms, kind, { transport: 'stream', connection, ...more });

describe('the sequence', () => {
  test('has the idle time before each poll and the time that it was held', () => {
    const sequence = new Sequence();
    const { timelineEvents, spans } = sequence.add([
      event(0, 'opened'),
      event(1, 'request'),
      event(3, 'answer'),
      event(2_001, 'request'),
      event(2_002, 'answer', { messages: 2 }),
    ]);
    expect(timelineEvents.map(({ after_ms }) => after_ms)).toEqual([null, null, 2, 1_998, 1]);
    expect(spans.map(({ kind, from_ms, to_ms }) => [kind, from_ms, to_ms])).toEqual([
      ['open', 0, null],
      ['held', 1, 3],
      ['held', 2_001, 2_002],
    ]);
  });

  test('ends what lasts when the connection is lost, unless an event shows that it lasts', () => {
    const sequence = new Sequence();
    sequence.add([event(0, 'opened'), event(1, 'request')]);
    sequence.add([stream(0, 'opened', 2), stream(1, 'request', 2)]);
    expect(sequence.endSpans(500).map(({ to_ms }) => to_ms)).toEqual([500, 500, 500, 500]);
    const { spans } = sequence.add([event(700, 'answer')]);
    expect(spans.map(({ kind, connection, to_ms }) => [kind, connection, to_ms])).toEqual([
      ['open', 1, null],
      ['held', 1, 700],
    ]);
    const closed = sequence.add([stream(520, 'closed', 2)]).spans;
    expect(closed.map(({ to_ms }) => to_ms)).toEqual([520, 520]);
  });

  test('keeps a stream held, and measures from its last write', () => {
    const sequence = new Sequence();
    const { timelineEvents, spans } = sequence.add([
      stream(0, 'opened'),
      stream(1, 'request'),
      stream(2, 'answer'),
      stream(5_000, 'push', 1, { content: 'messages', messages: 1 }),
      stream(20_000, 'push', 1, { content: 'keep-alive' }),
    ]);
    expect(timelineEvents.at(-2)?.after_ms).toBe(4_998);
    expect(timelineEvents.at(-1)?.after_ms).toBe(15_000);
    expect(spans.map(({ kind, to_ms }) => [kind, to_ms])).toEqual([
      ['open', null],
      ['held', null],
    ]);
    const closed = sequence.add([stream(21_000, 'closed')]);
    expect(closed.spans.map(({ kind, to_ms }) => [kind, to_ms])).toEqual([
      ['open', 21_000],
      ['held', 21_000],
    ]);
  });

  test('reports a stream after a lost stream as a reconnection, but not a chosen one', () => {
    const sequence = new Sequence();
    const opened = (events: TraceEvent[]) =>
      sequence.add(events).timelineEvents.find(({ kind }) => kind === 'opened');
    expect(opened([stream(0, 'opened'), stream(1, 'request'), stream(2, 'answer')])?.isReconnect).toBe(false);
    sequence.add([stream(5_000, 'closed')]);
    expect(opened([stream(6_000, 'opened', 2), stream(6_001, 'request', 2)])).toMatchObject({
      isReconnect: true,
      after_ms: 1_000,
    });
    sequence.add([
      stream(7_000, 'closed', 2),
      event(7_001, 'request', { connection: 3 }),
      event(7_002, 'answer', { connection: 3 }),
    ]);
    expect(opened([stream(8_000, 'opened', 4), stream(8_001, 'request', 4)])?.isReconnect).toBe(false);
  });

  test('ignores a second opening of the same connection', () => {
    const sequence = new Sequence();
    const kinds = sequence
      .add([event(0, 'opened'), event(1, 'request'), event(2, 'answer'), event(0, 'opened')])
      .timelineEvents.map(({ kind }) => kind);
    expect(kinds).toEqual(['opened', 'request', 'answer']);
  });

  test('ends a request with its connection', () => {
    const sequence = new Sequence();
    sequence.add([
      event(0, 'opened', { transport: 'long-poll' }),
      event(1, 'request', { transport: 'long-poll' }),
    ]);
    const { spans } = sequence.add([event(900, 'closed', { transport: 'long-poll' })]);
    expect(spans.map(({ kind, to_ms }) => [kind, to_ms])).toEqual([
      ['open', 900],
      ['held', 900],
    ]);
  });

  test.each([true, false])('ends open spans where the trace is interrupted (restarted: %s)', (restarted) => {
    const sequence = new Sequence();
    sequence.add([stream(0, 'opened'), stream(1, 'request'), stream(2, 'answer'), stream(9_000, 'push')]);
    expect(sequence.splitAt(restarted).map(({ kind, to_ms }) => [kind, to_ms])).toEqual([
      ['open', 9_000],
      ['held', 9_000],
    ]);
    const [opened] = sequence.add([stream(12_000, 'opened'), stream(12_001, 'request')]).timelineEvents;
    expect(opened).toMatchObject({ isReconnect: restarted, after_ms: null });
  });
});
