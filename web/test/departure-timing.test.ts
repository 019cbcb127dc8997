import { describe, expect, test } from 'vitest';
import { Departures } from '../src/lab/departure-timing.ts';
import type { Guest, Presence } from '../src/client/presence.ts';

const guest = (client: string): Guest => ({
  client,
  author: null,
  transport: 'poll',
  through: null,
  since: '',
});
const here = (...clients: string[]): Presence => ({ count: clients.length, present: clients.map(guest) });

describe('departures', () => {
  test('are timed from the moment of leaving to the news of it', () => {
    const departures = new Departures();
    expect(departures.news(here('a', 'b', 'c'), 0)).toEqual([]);
    departures.left('a', 1_000);
    expect(departures.news(here('a', 'b', 'c'), 1_500)).toEqual([]);
    expect(departures.news(here('c'), 6_000)).toEqual([
      { guest: guest('a'), noticed_ms: 5_000 },
      { guest: guest('b'), noticed_ms: null },
    ]);
  });

  test('are told once', () => {
    const departures = new Departures();
    departures.news(here('a'), 0);
    departures.news(here(), 1);
    expect(departures.news(here(), 2)).toEqual([]);
  });

  test('are not concluded from a list that is not complete', () => {
    const departures = new Departures();
    departures.news(here('a', 'b'), 0);
    expect(departures.news({ count: 300, present: [guest('a')] }, 1)).toEqual([]);
  });

  test('are not concluded over a time without news', () => {
    const departures = new Departures();
    departures.news(here('a', 'b'), 0);
    departures.rest();
    expect(departures.news(here('a'), 1)).toEqual([]);
  });
});
