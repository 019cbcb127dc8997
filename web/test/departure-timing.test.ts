import { describe, expect, test } from 'vitest';
import { DepartureTiming } from '../src/lab/departure-timing.ts';
import type { PresentClient, Presence } from '../src/client/presence.ts';

const reader = (client: string): PresentClient => ({
  client,
  author: null,
  transport: 'poll',
  through: null,
  since: '',
});
const here = (...clients: string[]): Presence => ({
  room: 'lobby',
  count: clients.length,
  present: clients.map(reader),
});

describe('departures', () => {
  test('are timed from leaving to the first presence without the client', () => {
    const departures = new DepartureTiming();
    expect(departures.update(here('a', 'b', 'c'), 0)).toEqual([]);
    departures.recordDeparture('a', 1_000);
    expect(departures.update(here('a', 'b', 'c'), 1_500)).toEqual([]);
    expect(departures.update(here('c'), 6_000)).toEqual([
      { reader: reader('a'), noticed_ms: 5_000 },
      { reader: reader('b'), noticed_ms: null },
    ]);
  });

  test('are reported once', () => {
    const departures = new DepartureTiming();
    departures.update(here('a'), 0);
    departures.update(here(), 1);
    expect(departures.update(here(), 2)).toEqual([]);
  });

  test('are not inferred from an incomplete list', () => {
    const departures = new DepartureTiming();
    departures.update(here('a', 'b'), 0);
    expect(departures.update({ room: 'lobby', count: 300, present: [reader('a')] }, 1)).toEqual([]);
  });

  test('are not inferred after a pause', () => {
    const departures = new DepartureTiming();
    departures.update(here('a', 'b'), 0);
    departures.pause();
    expect(departures.update(here('a'), 1)).toEqual([]);
  });
});
