import { describe, expect, test } from 'vitest';
import { MAX_AGE_MS, EventBuffer } from '../src/lab/diagram/event-buffer.ts';
import type { TraceEvent } from '../src/lab/trace.ts';

function push(seq: number, at_ms: number): TraceEvent {
  const counts = { bytes_in: 0, bytes_out: 10, messages: 1, status: null, tls_version: null };
  return { seq, at_ms, connection: 1, kind: 'push', transport: 'stream', content: 'messages', ...counts };
}

describe('the event buffer', () => {
  test('returns events of a window, and evicts events older than every window', () => {
    const eventBuffer = new EventBuffer();
    eventBuffer.add([push(1, 0), push(2, 60_000), push(3, MAX_AGE_MS)]);
    eventBuffer.mark('published', 'stream', 59_000, 1);
    expect(eventBuffer.since(50_000).timelineEvents.map(({ seq }) => seq)).toEqual([2, 3]);
    expect(eventBuffer.since(50_000).marks).toHaveLength(1);
    eventBuffer.evict(MAX_AGE_MS + 30_000);
    expect(eventBuffer.since(0).timelineEvents.map(({ seq }) => seq)).toEqual([2, 3]);
  });

  test('stays bounded even if nothing is evicted', () => {
    const eventBuffer = new EventBuffer();
    for (let at_ms = 0; at_ms < 100_000; at_ms++) eventBuffer.mark('published', 'stream', at_ms, 1);
    const { marks } = eventBuffer.since(0);
    expect(marks.length).toBeLessThanOrEqual(8_192);
    expect(marks.at(-1)?.at_ms).toBe(99_999);
  });

  test('ends open spans where the trace is interrupted, and adds a mark', () => {
    const eventBuffer = new EventBuffer();
    eventBuffer.add([{ ...push(1, 5_000), kind: 'opened', content: null }]);
    const { spans, mark } = eventBuffer.splitAt('lost', 'stream', 7);
    expect(spans.map(({ kind, to_ms }) => [kind, to_ms])).toEqual([['open', 5_000]]);
    expect(mark).toEqual({ style: 'lost', transport: 'stream', at_ms: 5_000, count: 7, wait_ms: 0 });
  });
});
