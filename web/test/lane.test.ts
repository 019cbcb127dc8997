import { describe, expect, test } from 'vitest';
import type { Place } from '../src/ingest.ts';
import { Lane, type MakeSource } from '../src/lane.ts';
import type { Sink, Source } from '../src/sources/source.ts';
import type { Transport } from '../src/transport.ts';
import { batch } from './support.ts';

/** Sources that deliver what the test tells them to. */
function lane() {
  const log: string[] = [];
  const sinks: Partial<Record<Transport, Sink>> = {};
  const places: Partial<Record<Transport, () => Place>> = {};
  const make: MakeSource = (transport, _reader, sink): Source => {
    sinks[transport] = sink;
    return {
      start: (place) => {
        places[transport] = place;
        log.push(`start ${transport} ${JSON.stringify(place())}`);
      },
      stop: () => log.push(`stop ${transport}`),
      wake: () => log.push(`wake ${transport}`),
    };
  };
  const listener = {
    messages: (messages: { id: number }[], transport: Transport) =>
      log.push(`${transport} ${messages.map(({ id }) => id).join()}`),
    gap: (reason: string) => log.push(`gap ${reason}`),
    link: () => {},
  };
  return { lane: new Lane({ room: 'lobby', client: 'me' }, listener, make), log, sinks, places };
}

describe('a lane', () => {
  test('switches by stopping one source and starting another where the first one was', () => {
    const { lane: l, log, sinks } = lane();
    l.use('poll');
    sinks.poll?.batch(batch([1, 2]));
    l.use('stream');
    sinks.stream?.batch(batch([2, 3]));
    l.use('long-poll');
    expect(log).toEqual([
      'start poll {"last":50}',
      'poll 1,2',
      'stop poll',
      'start stream {"cursor":"aaa-2"}',
      'stream 3',
      'stop stream',
      'start long-poll {"cursor":"aaa-3"}',
    ]);
  });

  test('does not restart the transport it is on', () => {
    const { lane: l, log } = lane();
    l.use('stream');
    l.use('stream');
    expect(log).toHaveLength(1);
  });

  test('remembers that an empty room was open when it switches', () => {
    const { lane: l, log, sinks } = lane();
    l.use('stream');
    sinks.stream?.link({ kind: 'live' });
    l.use('poll');
    expect(log.at(-1)).toBe('start poll {"last":1000}');
  });
});
