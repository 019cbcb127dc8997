import { afterEach, describe, expect, test, vi } from 'vitest';
import { formatPercent } from '../src/i18n/amounts.ts';
import { lane } from '../src/i18n/en/lane.ts';
import { ServerClock } from '../src/lab/clock.ts';
import {
  formatCount,
  formatDelay,
  formatMilliseconds,
  formatSeconds,
  formatTimeOfDay,
} from '../src/i18n/format.ts';
import { randomText } from '../src/client/random-text.ts';
import { createIdempotencyKey, loadName, saveName } from '../src/lab/identity.ts';
import { lane as english } from '../src/i18n/en/lane.ts';
import { lane as korean } from '../src/i18n/ko/lane.ts';
import { parseFigures, fetchFigures, NO_FIGURES } from '../src/lab/ledger.ts';
import { backoff } from '../src/client/backoff.ts';
import { fakeFetch, json, problem } from './support.ts';

describe('formatted numbers and times', () => {
  test('counts are exact, with thousands separators', () => {
    expect([0, 999, 1_000, 12_345, 1_234_567].map(formatCount)).toEqual([
      '0',
      '999',
      '1,000',
      '12,345',
      '1,234,567',
    ]);
  });

  test('delays are whole milliseconds, with their uncertainty', () => {
    expect([-0.4, 0.4, 12.6, 1_314, 24_000].map(formatMilliseconds)).toEqual([
      '0 ms',
      '0 ms',
      '13 ms',
      '1,314 ms',
      '24,000 ms',
    ]);
    expect(formatDelay({ ms: 819.7, uncertainty_ms: 0 })).toBe('820 ms');
    expect(formatDelay({ ms: 1_819.7, uncertainty_ms: 3.2 })).toBe('1,820 ± 4 ms');
  });

  test('seconds have no trailing zeros', () => {
    expect([0.25, 1, 1.5, 30].map(formatSeconds)).toEqual(['0.25', '1', '1.5', '30']);
  });

  test('an invalid time is empty', () => {
    expect(formatTimeOfDay('2026-01-02T03:04:05.000006Z')).toMatch(/^\d\d:\d\d:05$/);
    expect(formatTimeOfDay('yesterday')).toBe('');
  });
});

test('percent never turn almost none into none, or almost all into all', () => {
  expect([0, 0.001, 0.005, 0.42, 0.9949, 0.9999, 1, 1.6].map(formatPercent)).toEqual([
    '0 %',
    '<1 %',
    '1 %',
    '42 %',
    '99 %',
    '>99 %',
    '100 %',
    '160 %',
  ]);
});

test('nor does the share of overhead in a lane’s bytes', () => {
  expect([0.9975, 1].map(lane.glance.wire_bytes)).toEqual([
    'bytes, >99\u00a0% of them overhead',
    'bytes, 100\u00a0% of them overhead',
  ]);
});

describe('the ledger', () => {
  const one = {
    requests: 3,
    empty: 2,
    messages: 1,
    wire_bytes_in: 1_000,
    wire_bytes_out: 234,
    connections: 1,
    connection_bytes_in: 2_200,
    connection_bytes_out: 945,
    open: 0,
  };

  test('bytes are the sum of both directions, those of connections apart', () => {
    const { since, costs } = parseFigures({
      since: '2026-01-02T03:04:05Z',
      transports: { poll: one, 'long-poll': one, stream: { ...one, requests: 0 } },
    });
    expect(since).toBe('2026-01-02T03:04:05Z');
    expect(costs.poll).toEqual({
      requests: 3,
      empty: 2,
      messages: 1,
      connections: 1,
      connection_bytes: 3_145,
      wire_bytes: 1_234,
      body_bytes: 0,
      presence_bytes: 0,
    });
    expect(costs.stream.requests).toBe(0);
  });

  test('has the protocols of each transport', () => {
    const over = { ...one, protocols: { 'h2+tls': one, 'http/1.1': one, 'http/9': one } };
    const { protocols } = parseFigures({
      since: '2026-01-02T03:04:05Z',
      transports: { poll: over, 'long-poll': one, stream: one },
    });
    expect(protocols).toEqual({ poll: ['http/1.1', 'h2+tls'], 'long-poll': [], stream: [] });
  });

  test('has no figures for an unknown client', async () => {
    const { fetch, calls } = fakeFetch(() => problem(404, 'never seen'));
    expect(await fetchFigures('me', new ServerClock(), fetch)).toEqual(NO_FIGURES);
    expect(calls[0]?.url.search).toBe('?client=me');
  });

  test('also samples the server’s clock', async () => {
    const clock = new ServerClock();
    const { fetch } = fakeFetch(() =>
      json(200, {
        now: '1970-01-01T00:01:40.000500Z',
        since: '1970-01-01T00:01:00Z',
        transports: { poll: one, 'long-poll': one, stream: one },
      }),
    );
    const before_ms = performance.now();
    await fetchFigures('me', clock, fetch);
    const at = clock.local(100_000.5, performance.now());
    expect(Math.abs((at?.at_ms ?? 0) - before_ms)).toBeLessThanOrEqual(performance.now() - before_ms);
  });

  test('rejects an invalid response', async () => {
    const since = '1970-01-01T00:01:00Z';
    for (const answer of [
      {},
      { since, transports: {} },
      { since, transports: { poll: one, stream: { requests: 1 } } },
    ]) {
      const { fetch } = fakeFetch(() => json(200, answer));
      await expect(fetchFigures('me', new ServerClock(), fetch)).rejects.toThrow();
    }
  });
});

describe('the times beside a diagram', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.resetModules();
  });

  test.each([
    ['en', '05:13:16', '13:16'],
    ['en-DK', '05.13.16', '13.16'],
    ['en-FI', '05.13.16', '13.16'],
  ])('are whole in %s', async (locale, long, short) => {
    vi.stubGlobal('navigator', { languages: [locale] });
    vi.resetModules();
    const { formatTickTime } = await import('../src/i18n/format.ts');
    const at_ms = new Date(2026, 0, 2, 5, 13, 16).getTime();
    expect([formatTickTime(at_ms, true), formatTickTime(at_ms, false)]).toEqual([long, short]);
  });
});

describe('identity', () => {
  test('labels and keys are valid and random', () => {
    expect(randomText(10)).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
    expect(createIdempotencyKey()).toMatch(/^[!-~]{1,64}$/);
    expect(new Set(Array.from({ length: 100 }, () => randomText(10))).size).toBe(100);
  });

  test('without storage a name is not remembered', () => {
    expect(() => saveName('mina')).not.toThrow();
    expect(loadName()).toBe('');
  });
});

describe('the backoff', () => {
  test('grows up to 5 s, with jitter', () => {
    expect([1, 2, 3, 4, 5, 6, 50].map((n) => backoff(n, () => 1))).toEqual([
      250, 500, 1_000, 2_000, 4_000, 5_000, 5_000,
    ]);
    expect(backoff(3, () => 0)).toBe(500);
  });
});

describe('the captions of the large numbers', () => {
  test('claim nothing before there are figures', () => {
    for (const { glance } of [english, korean]) {
      expect([glance.requests(0, 0), glance.wire_bytes(null)].join()).not.toMatch(/\d|none|허탕/);
      expect(glance.delay_ms(6)).toMatch(/6/);
    }
    expect([english.glance.requests(1, 0), english.glance.wire_bytes(0)]).toEqual([
      'request, none for nothing',
      'bytes, 0\u00a0% of them overhead',
    ]);
  });
});
