import { describe, expect, test } from 'vitest';
import { getRowStyle, Rows } from '../src/lab/diagram/rows.ts';
import type { TimelineEvent } from '../src/lab/diagram/sequence.ts';

function timelineEvent(
  at_ms: number,
  kind: TimelineEvent['kind'],
  more: Partial<TimelineEvent> = {},
): TimelineEvent {
  return {
    seq: 1,
    at_ms,
    connection: 1,
    kind,
    transport: 'poll',
    bytes_in: 0,
    bytes_out: 0,
    messages: 0,
    status: kind === 'answer' ? 200 : null,
    content: null,
    tls_version: null,
    isReconnect: false,
    after_ms: null,
    ...more,
  };
}

/** 10 px for a second. */
const SCALE = 0.01;
/** The height of a line of text. */
const TEXT_PX = 12;

describe('rows', () => {
  test('separate the arrows of one exchange, with server ends at their times', () => {
    const rows = new Rows(SCALE, TEXT_PX);
    const drawn = (['opened', 'request', 'answer', 'closed'] as const).map(
      (kind, index) => rows.add(timelineEvent(1_000 + index, kind)).row,
    );
    const round = (px: number) => Number(px.toFixed(1));
    expect(drawn.map(({ browser_px }) => round(browser_px))).toEqual([-9.2, -4.2, 4.2, 9.2]);
    expect(drawn.map(({ server_px }) => round(server_px))).toEqual([-9.2, 0, 0, 9.2]);
    expect(drawn.map(({ from_ms }) => from_ms)).toEqual([1_000, 1_001, 1_002, 1_003]);
  });

  test('are never as steep as a slow network would be', () => {
    const rows = new Rows(SCALE, TEXT_PX);
    for (const transport of ['poll', 'long-poll', 'stream'] as const)
      for (const kind of ['opened', 'request', 'answer', 'push'] as const)
        rows.add(timelineEvent(60_000, kind, { transport }));
    for (const { style, browser_px } of rows.all)
      if (style !== 'opened') expect(Math.abs(browser_px)).toBeLessThan(TEXT_PX / 2);
  });

  test('have small offsets if they are dense', () => {
    const rows = new Rows(SCALE, TEXT_PX);
    for (let at_ms = 1_000; at_ms < 60_000; at_ms += 50)
      for (const kind of ['request', 'answer'] as const) rows.add(timelineEvent(at_ms, kind));
    const off_px = [...rows.all].slice(20).map(({ browser_px }) => Math.abs(browser_px));
    expect(Math.max(...off_px)).toBeLessThanOrEqual(2);
  });

  test('keep the time of each push of a band', () => {
    const rows = new Rows(0.03, TEXT_PX);
    for (let at_ms = 0; at_ms < 1_000; at_ms += 70)
      rows.add(timelineEvent(at_ms, 'push', { transport: 'stream', content: 'messages', messages: 1 }));
    const [band, ...others] = [...rows.all];
    expect(others).toEqual([]);
    expect(band?.count).toBe(15);
    expect(band?.times_ms).toEqual(Array.from({ length: 15 }, (_, index) => index * 70));
  });

  test('are bounded by the height of the timeline, and keep all counts', () => {
    const rows = new Rows(SCALE, TEXT_PX);
    for (let i = 0; i < 20_000; i++) {
      rows.add(
        timelineEvent(i * 2, 'push', { transport: 'stream', content: 'messages', messages: 2, bytes_out: 7 }),
      );
    }
    const all = [...rows.all];
    expect(all.length).toBeLessThanOrEqual((40_000 * SCALE) / 14 + 1);
    const sum = (of: (row: (typeof all)[number]) => number) => all.reduce((total, row) => total + of(row), 0);
    expect([sum(({ count }) => count), sum(({ messages }) => messages), sum(({ bytes }) => bytes)]).toEqual([
      20_000, 40_000, 140_000,
    ]);
    expect(rows.evict(20_000).length).toBeGreaterThan(3);
    expect([...rows.all].every(({ to_ms }) => to_ms >= 20_000)).toBe(true);
  });

  test('do not join events that are far enough apart', () => {
    const rows = new Rows(SCALE, TEXT_PX);
    for (let at_ms = 0; at_ms < 10_000; at_ms += 500) {
      for (const kind of ['request', 'answer'] as const) rows.add(timelineEvent(at_ms, kind));
    }
    expect([...rows.all]).toHaveLength(40);
    expect([...rows.all].every(({ count, single }) => count === 1 && single !== null)).toBe(true);
  });

  test.each([
    [timelineEvent(0, 'opened'), 'opened'],
    [timelineEvent(0, 'opened', { isReconnect: true }), 'reconnected'],
    [timelineEvent(0, 'answer'), 'empty'],
    [timelineEvent(0, 'answer', { status: 304 }), 'empty'],
    [timelineEvent(0, 'answer', { messages: 1 }), 'messages'],
    [timelineEvent(0, 'answer', { status: 503 }), 'refused'],
    [timelineEvent(0, 'answer', { transport: 'stream' }), 'head'],
    [timelineEvent(0, 'push', { content: 'messages' }), 'push'],
    [timelineEvent(0, 'push', { content: 'keep-alive' }), 'keep-alive'],
    [timelineEvent(0, 'push', { content: 'presence' }), 'presence'],
    [timelineEvent(0, 'push', { content: null }), 'other'],
    [timelineEvent(0, 'closed'), 'closed'],
  ] as const)('have the style of their event: %#', (given, style) => {
    expect(getRowStyle(given)).toBe(style);
  });
});
