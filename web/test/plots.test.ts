import { describe, expect, test } from 'vitest';
import { type Figures, NO_FIGURES } from '../src/lab/ledger.ts';
import { Columns } from '../src/lab/plots/columns.ts';
import { PlotStore, SECONDS, type Series } from '../src/lab/plots/store.ts';

/** A whole second, long after the epoch. */
const START_MS = 1_800_000_000_000;
const START_S = START_MS / 1_000;

function figures(requests: number, wire_bytes = requests * 100, since = 'then'): Figures {
  const poll = { ...NO_FIGURES.costs.poll, requests, wire_bytes };
  return { ...NO_FIGURES, since, costs: { ...NO_FIGURES.costs, poll } };
}

const sum = (series: Series) => series.reduce((total: number, value) => total + (value ?? 0), 0);

describe('the store', () => {
  test('distributes counts over the time between two samples, and loses nothing', () => {
    const store = new PlotStore(START_MS);
    store.recordFigures('left', figures(10), 'poll', START_MS + 250);
    store.recordFigures('left', figures(12), 'poll', START_MS + 1_250);
    store.recordFigures('left', figures(12), 'poll', START_MS + 2_250);
    const { requests, wire_bytes } = store.lane('left');
    expect(requests.poll.slice(-3)).toEqual([1.5, 0.5, 0]);
    expect(sum(wire_bytes.poll)).toBe(200);
    expect(sum(requests.stream)).toBe(0);
    expect(requests.stream.every((value) => value === null)).toBe(true);
    expect(store.summarize('left', 'poll', START_S)).toEqual({
      requests: 2,
      wire_bytes: 200,
      delay_ms: null,
    });
  });

  test.each([
    ['a pause', (store: PlotStore) => (store.pause(START_MS + 1_000), store.resume(START_MS + 2_000))],
    ['no figures', (store: PlotStore) => store.recordFigures('left', null, 'poll', START_MS + 1_500)],
    ['a lane that stopped', (store: PlotStore) => store.split('left')],
  ])('does not count across %s', (_, between) => {
    const store = new PlotStore(START_MS);
    store.recordFigures('left', figures(10), 'poll', START_MS);
    between(store);
    store.recordFigures('left', figures(50), 'poll', START_MS + 3_000);
    store.recordFigures('left', figures(51), 'poll', START_MS + 4_000);
    expect(sum(store.lane('left').requests.poll)).toBe(1);
  });

  test('does not count across a gap or a restart of the server', () => {
    const store = new PlotStore(START_MS);
    store.recordFigures('left', figures(10), 'poll', START_MS);
    store.recordFigures('left', figures(90), 'poll', START_MS + 60_000);
    store.recordFigures('left', figures(95, 9_500, 'later'), 'poll', START_MS + 61_000);
    expect(sum(store.lane('left').requests.poll)).toBe(0);
  });

  test('counts from zero for a new client', () => {
    const store = new PlotStore(START_MS);
    store.beginClient('left', START_MS);
    store.recordFigures('left', figures(2), 'poll', START_MS + 500);
    expect(store.summarize('left', 'poll', START_S).requests).toBe(2);
  });

  test('lists its pauses, and records nothing during them', () => {
    const store = new PlotStore(START_MS);
    store.pause(START_MS + 2_000);
    expect(store.isPaused).toBe(true);
    store.recordMessage('left', 'a-1', 'stream', START_MS + 3_000, 5);
    store.resume(START_MS + 30_000);
    expect(store.pauses).toEqual([{ from_s: START_S + 2, to_s: START_S + 30 }]);
    expect(store.summarize('left', 'poll', START_S).delay_ms).toBeNull();
    expect(store.times.at(-1)).toBe(START_S + 30);
    store.advance(START_MS + 2_000_000);
    expect(store.pauses).toEqual([]);
  });

  test('has the median of each second, and counts a message once, at its publish time', () => {
    const store = new PlotStore(START_MS);
    for (const [cursor, delay_ms] of [
      ['a-1', 10],
      ['a-2', 2_000],
      ['a-3', 30],
    ] as const)
      store.recordMessage('left', cursor, 'poll', START_MS + 5_500, delay_ms);
    store.recordMessage('right', 'a-2', 'stream', START_MS + 5_600, 4);
    expect(store.lane('left').delay_ms.poll.at(-1)).toBe(30);
    expect(store.messages.slice(-3)).toEqual([1, null, 2]);
    expect(store.countMessagesSince(START_S)).toBe(3);
    expect(store.summarize('left', 'poll', START_S).delay_ms).toBe(30);
    expect(store.summarize('right', 'stream', START_S).delay_ms).toBe(4);
  });

  test('keeps a fixed number of values', () => {
    const store = new PlotStore(START_MS);
    for (let s = 0; s < 1_200; s++) {
      store.advance(START_MS + s * 1_000);
      store.recordFigures('left', figures(s * 20), 'poll', START_MS + s * 1_000);
      for (let i = 0; i < 20; i++)
        store.recordMessage('left', `a-${s}-${i}`, 'poll', START_MS + s * 1_000 + 500, i);
    }
    expect(store.times).toHaveLength(SECONDS);
    expect(store.lane('left').requests.poll).toHaveLength(SECONDS);
    expect(store.countMessagesSince(0)).toBe(SECONDS * 20);
    expect(store.summarize('left', 'poll', 0).delay_ms).toBe(9);
  });
});

describe('the columns', () => {
  test('combine complete steps to rates, aligned to the clock', () => {
    const store = new PlotStore(START_MS);
    for (let s = 0; s <= 9; s++) store.recordFigures('left', figures(s * 3), 'poll', START_MS + s * 1_000);
    const columns = new Columns('requests', ['left'], 6, 2);
    columns.fill(store);
    const [times, poll, longPoll] = columns.data;
    // The last sample was at the beginning of second 9, so the step after 8 is incomplete.
    expect(times).toEqual([START_S + 1, START_S + 3, START_S + 5, START_S + 7]);
    expect(poll).toEqual([3, 3, 3, 3]);
    expect(longPoll).toEqual([null, null, null, null]);
    expect(columns.lines.map(({ transport }) => transport)).toEqual(['poll', 'long-poll', 'stream']);
  });

  test('omit incomplete steps before and after a pause', () => {
    const store = new PlotStore(START_MS);
    const look = (ms: number) => store.recordFigures('left', figures(ms / 500), 'poll', START_MS + ms);
    for (let ms = 500; ms <= 5_500; ms += 1_000) look(ms);
    store.pause(START_MS + 5_500);
    store.resume(START_MS + 8_500);
    for (let ms = 8_500; ms <= 14_500; ms += 1_000) look(ms);
    const columns = new Columns('requests', ['left'], 12, 2);
    columns.fill(store);
    const [times, poll] = columns.data;
    const known = times.map((s, at) => [s - START_S, poll?.[at]]).filter(([s]) => Number(s) > 0);
    expect(known).toEqual([
      [1, null],
      [3, 2],
      [5, null],
      [7, null],
      [9, null],
      [11, 2],
    ]);
  });

  test('reach back as far as the store does', () => {
    const store = new PlotStore(START_MS);
    const columns = new Columns('delay_ms', ['left'], 900, 1);
    columns.fill(store);
    expect(columns.data[0]).toHaveLength(SECONDS);
  });
});
