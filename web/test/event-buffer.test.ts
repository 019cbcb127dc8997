import { describe, expect, test } from 'vitest';
import { LONGEST_MS, Recollection } from '../src/lab/diagram/event-buffer.ts';
import type { TraceEvent } from '../src/lab/trace.ts';

function push(seq: number, at_ms: number): TraceEvent {
  const counts = { bytes_in: 0, bytes_out: 10, messages: 1, status: null };
  return { seq, at_ms, connection: 1, kind: 'push', transport: 'stream', content: 'messages', ...counts };
}

describe('the recollection', () => {
  test('gives back what is to be seen, and forgets what no window reaches', () => {
    const recollection = new Recollection();
    recollection.add([push(1, 0), push(2, 60_000), push(3, LONGEST_MS)]);
    recollection.mark('published', 'stream', 59_000, 1);
    expect(recollection.since(50_000).happenings.map(({ seq }) => seq)).toEqual([2, 3]);
    expect(recollection.since(50_000).marks).toHaveLength(1);
    recollection.forget(LONGEST_MS + 30_000);
    expect(recollection.since(0).happenings.map(({ seq }) => seq)).toEqual([2, 3]);
  });

  test('stays bounded, though nothing is forgotten while the tab is hidden', () => {
    const recollection = new Recollection();
    for (let at_ms = 0; at_ms < 100_000; at_ms++) recollection.mark('published', 'stream', at_ms, 1);
    const { marks } = recollection.since(0);
    expect(marks.length).toBeLessThanOrEqual(8_192);
    expect(marks.at(-1)?.at_ms).toBe(99_999);
  });

  test('ends what was open where the trace breaks off, and marks it', () => {
    const recollection = new Recollection();
    recollection.add([{ ...push(1, 5_000), kind: 'opened', content: null }]);
    const { spans, mark } = recollection.breakOff('lost', 'stream', 7);
    expect(spans.map(({ kind, to_ms }) => [kind, to_ms])).toEqual([['open', 5_000]]);
    expect(mark).toEqual({ look: 'lost', transport: 'stream', at_ms: 5_000, count: 7 });
  });
});
