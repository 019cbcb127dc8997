import { describe, expect, test } from 'vitest';
import { Ingest, type IngestListener } from '../src/client/ingest.ts';
import { batch } from './support.ts';

function ingest() {
  const received: (number | string)[] = [];
  const listener: IngestListener = {
    messages: (messages) => received.push(...messages.map(({ id }) => id)),
    gap: (reason) => received.push(reason),
  };
  return { received, ingest: new Ingest(listener) };
}

describe('ingest', () => {
  test('passes messages on in the order of the log', () => {
    const { received, ingest: i } = ingest();
    i.accept(batch([1, 2]), 'poll');
    i.accept(batch([5]), 'stream');
    expect(received).toEqual([1, 2, 5]);
  });

  test('drops duplicates, whichever transport delivers them', () => {
    const { received, ingest: i } = ingest();
    i.accept(batch([1, 2, 3]), 'stream');
    i.accept(batch([2, 3, 4]), 'poll');
    i.accept(batch([4, 4, 5]), 'long-poll');
    expect(received).toEqual([1, 2, 3, 4, 5]);
  });

  test('calls no listener without new messages', () => {
    const { received, ingest: i } = ingest();
    i.accept(batch([], { cursor: 'aaa-9' }), 'poll');
    expect(received).toEqual([]);
    expect(i.position()).toEqual({ cursor: 'aaa-9' });
  });

  test('keeps the cursor if a batch has none', () => {
    const { ingest: i } = ingest();
    i.accept(batch([7]), 'stream');
    i.accept(batch([], { reset: 'unknown' }), 'stream');
    expect(i.position()).toEqual({ cursor: 'aaa-7' });
  });

  test('starts with recent messages and continues at the cursor', () => {
    const { ingest: i } = ingest();
    expect(i.position()).toEqual({ last: 50 });
    i.accept(batch([3]), 'poll');
    expect(i.position()).toEqual({ cursor: 'aaa-3' });
  });

  test('asks for the whole room if an empty one gave no cursor', () => {
    const { ingest: i } = ingest();
    i.begin();
    expect(i.position()).toEqual({ last: 1000 });
  });

  test('accepts the small ids of a new log', () => {
    const { received, ingest: i } = ingest();
    i.accept(batch([40, 41]), 'poll');
    i.accept(batch([1, 2], { reset: 'unknown' }, 'bbb'), 'poll');
    expect(received).toEqual([40, 41, 'unknown', 1, 2]);
    expect(i.position()).toEqual({ cursor: 'bbb-2' });
  });

  test('still drops duplicates after older messages have expired', () => {
    const { received, ingest: i } = ingest();
    i.accept(batch([40]), 'poll');
    i.accept(batch([40, 90], { reset: 'expired' }), 'poll');
    expect(received).toEqual([40, 'expired', 90]);
  });

  test('reports a repeated reset as one gap', () => {
    const { received, ingest: i } = ingest();
    i.accept(batch([40]), 'stream');
    i.accept(batch([], { reset: 'unknown' }), 'stream');
    i.accept(batch([], { reset: 'unknown' }), 'stream');
    i.accept(batch([1], {}, 'bbb'), 'stream');
    i.accept(batch([], { reset: 'unknown' }), 'stream');
    expect(received).toEqual([40, 'unknown', 1, 'unknown']);
  });
});
