// The result for export: it names the conditions under which its figures are true.

import { describe, expect, test } from 'vitest';
import { type LaneResult, type Result, toCsv } from '../src/lab/result/result.ts';
import { formatResult } from '../src/views/result/text.ts';

const LANE: LaneResult = {
  name: 'Polling',
  transport: 'poll',
  client: 'me',
  interval_s: 2,
  network: 'cut',
  protocol: 'h2+tls',
  cookie_kib: 4,
  connection: 'close',
  requests: 9,
  empty: 4,
  messages: 5,
  connections: 1,
  connection_bytes: 3_145,
  wire_bytes: 1_000,
  bytes_per_message: 200,
  delay_median_ms: 900,
  delay_95_ms: null,
};

const RESULT: Result = {
  room: 'lobby',
  page: 'http://localhost/',
  taken_at: '2026-01-02T03:04:05Z',
  sentence: 'Polling made 9 requests.',
  caveat: 'uneven',
  lanes: [LANE],
};

describe('the result', () => {
  test('as text has the caveat and the conditions of each lane', () => {
    const text = formatResult(RESULT);
    expect(text).toContain('Polling made 9 requests.\nThe lanes have not been counted for the same time.\n');
    expect(text).toContain(
      'Polling: Polling every 2 s · HTTP/2 over TLS · Network: Cut after 5 s · Cookie: 4 KiB · New connection for each poll',
    );
    expect(text).toMatch(/^Connection bytes +3,145$/m);
    expect(formatResult({ ...RESULT, caveat: null })).toMatch(/^Polling made 9 requests\.\n\n/);
  });

  test('as CSV has them as columns', () => {
    const [columns, values] = toCsv(RESULT)
      .split('\r\n')
      .map((row) => row.split(','));
    const cell = (name: string) => values?.[columns?.indexOf(name) ?? -1];
    expect(['caveat', 'interval_s', 'network', 'protocol', 'cookie_kib', 'connection'].map(cell)).toEqual([
      'uneven',
      '2',
      'cut',
      'h2+tls',
      '4',
      'close',
    ]);
  });
});
