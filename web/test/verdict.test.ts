import { describe, expect, test } from 'vitest';
import { comparison as english } from '../src/i18n/en/comparison.ts';
import { comparison as korean } from '../src/i18n/ko/comparison.ts';
import { TRANSPORTS } from '../src/client/transport.ts';
import { type LaneTotals, computeVerdict } from '../src/lab/verdict.ts';

const side = (transport: LaneTotals['transport'], figures: Partial<LaneTotals> = {}): LaneTotals => ({
  transport,
  polled: false,
  requests: 1,
  messages: 0,
  wire_bytes: 0,
  delay_ms: null,
  ...figures,
});

const say = (left: LaneTotals, right: LaneTotals) => english.verdict(computeVerdict([left, right]));
const sayInKorean = (left: LaneTotals, right: LaneTotals) => korean.verdict(computeVerdict([left, right]));

const POLL = side('poll', { requests: 41, messages: 3, wire_bytes: 14_000, delay_ms: 912 });
const STREAM = side('stream', { requests: 1, messages: 3, wire_bytes: 1_000, delay_ms: 12 });

describe('the sentence between two lanes', () => {
  test.each([
    [
      POLL,
      STREAM,
      'Polling made 41 requests to deliver 3 messages; SSE made 1. With Polling, each message cost 14 times as many bytes and arrived 0.9 s later.',
    ],
    [
      STREAM,
      POLL,
      'Polling made 41 requests to deliver 3 messages; SSE made 1. With Polling, each message cost 14 times as many bytes and arrived 0.9 s later.',
    ],
    [
      side('poll', { requests: 2, messages: 200, wire_bytes: 20_000, delay_ms: 3 }),
      side('stream', { requests: 1, messages: 200, wire_bytes: 30_000, delay_ms: 40 }),
      'Polling made 2 requests to deliver 200 messages; SSE made 1. With SSE, each message cost 50 % more bytes and arrived 37 ms later.',
    ],
    [
      side('poll', { requests: 2, messages: 200, wire_bytes: 20_000, delay_ms: 900 }),
      side('stream', { requests: 1, messages: 200, wire_bytes: 50_000, delay_ms: 40 }),
      'Polling made 2 requests to deliver 200 messages; SSE made 1. With SSE, each message cost 2.5 times as many bytes, but arrived 0.9 s sooner.',
    ],
    [side('poll', { requests: 0 }), side('stream', { requests: 0 }), 'Nothing has been asked yet.'],
    [
      side('poll', { requests: 41 }),
      side('stream', { requests: 1 }),
      'Polling made 41 requests and SSE made 1; no message has been delivered yet.',
    ],
    [
      side('poll', { requests: 1 }),
      side('stream', { requests: 0 }),
      'Polling made 1 request and SSE made none; no message has been delivered yet.',
    ],
    [
      side('poll', { requests: 1 }),
      side('stream', { requests: 1 }),
      'Polling and SSE made 1 request each, and no message has been delivered yet.',
    ],
    [
      side('long-poll', { requests: 4, messages: 2, wire_bytes: 10 }),
      side('stream', { requests: 1, messages: 0 }),
      'Long-polling made 4 requests to deliver 2 messages; SSE made 1 and has delivered nothing yet.',
    ],
    [
      side('long-poll', { requests: 4, messages: 1, wire_bytes: 500, delay_ms: 5 }),
      side('stream', { requests: 1, messages: 2, wire_bytes: 1_000, delay_ms: 5 }),
      'Long-polling made 4 requests to deliver 1 message; SSE made 1 to deliver 2 messages. With Long-polling, each message cost the same number of bytes and arrived at the same time.',
    ],
    [
      side('poll', { requests: 9, messages: 1, wire_bytes: 1_000 }),
      side('poll', { requests: 3, messages: 1, wire_bytes: 1_004, delay_ms: 8 }),
      'Polling on the left made 9 requests to deliver 1 message; Polling on the right made 3. With Polling on the right, each message cost about as many bytes.',
    ],
    [
      side('stream', { messages: 5, wire_bytes: 1_000, delay_ms: 4 }),
      side('stream', { messages: 5, wire_bytes: 1_000, delay_ms: 5 }),
      'SSE on the left and SSE on the right made 1 request each to deliver 5 messages. With SSE on the right, each message cost the same number of bytes and arrived at about the same time.',
    ],
    [
      side('poll', { requests: 9, messages: 20, wire_bytes: 8_000 }),
      side('stream', { polled: true, requests: 7, messages: 20, wire_bytes: 8_000 }),
      'Polling made 9 requests to deliver 20 messages; SSE with polling standing in made 7. With Polling, each message cost the same number of bytes.',
    ],
    [
      side('poll', { protocol: 'http/1.1', requests: 9, messages: 5, wire_bytes: 2_000 }),
      side('poll', { protocol: 'h2+tls', requests: 9, messages: 5, wire_bytes: 1_000 }),
      'Polling over HTTP/1.1 and Polling over HTTP/2 over TLS made 9 requests each to deliver 5 messages. With Polling over HTTP/1.1, each message cost 2 times as many bytes.',
    ],
    [
      side('poll', { protocol: 'h2', requests: 9 }),
      side('poll', { requests: 8 }),
      'Polling on the left made 9 requests and Polling on the right made 8; no message has been delivered yet.',
    ],
    [
      side('poll', { requests: 9, messages: 5, wire_bytes: 2_000, delay_ms: 1_000 }),
      side('stream', { messages: 5, wire_bytes: 1_000, delay_ms: 901 }),
      'Polling made 9 requests to deliver 5 messages; SSE made 1. With Polling, each message cost 2 times as many bytes and arrived at about the same time.',
    ],
  ])('%# is true and plain', (left, right, sentence) => {
    expect(say(left, right)).toBe(sentence);
  });

  test('exists in Korean too', () => {
    expect(sayInKorean(POLL, STREAM)).toBe(
      '폴링은 메시지 3개를 전하려고 요청을 41번 했고, SSE는 1번 했습니다. 폴링에서는 메시지 하나에 바이트가 14배 들었고 0.9초 늦게 도착했습니다.',
    );
    expect(sayInKorean(side('poll', { requests: 41 }), side('stream'))).toBe(
      '폴링은 요청을 41번, SSE는 1번 했고, 아직 전해진 메시지는 없습니다.',
    );
    expect(sayInKorean(side('stream'), side('stream'))).toBe(
      '왼쪽 SSE와 오른쪽 SSE는 요청을 1번씩 했고, 아직 전해진 메시지는 없습니다.',
    );
  });
});

describe('the sentence among three lanes', () => {
  const LONG_POLL = side('long-poll', { requests: 13, messages: 3, wire_bytes: 5_000, delay_ms: 14 });
  const sayOfThree = (...sides: LaneTotals[]) => english.verdict(computeVerdict(sides));

  test.each([
    [
      [POLL, LONG_POLL, STREAM],
      'Polling made 41 requests to deliver 3 messages; Long-polling made 13; SSE made 1. With Polling, each message cost 14 times as many bytes as with SSE and arrived 0.9 s later.',
    ],
    [
      [side('poll', { requests: 9 }), side('long-poll', { requests: 2 }), side('stream')],
      'Polling made 9 requests, Long-polling made 2 and SSE made 1; no message has been delivered yet.',
    ],
    [
      [side('stream'), side('stream'), side('poll')],
      'SSE on the left, SSE in the middle and Polling made 1 request each, and no message has been delivered yet.',
    ],
    [
      [POLL, LONG_POLL, side('stream', { messages: 4, wire_bytes: 1_000, delay_ms: 9 })],
      'Polling made 41 requests to deliver 3 messages; Long-polling made 13 to deliver 3 messages; SSE made 1 to deliver 4 messages. With Polling, each message cost 19 times as many bytes as with SSE and arrived 0.9 s later.',
    ],
    [
      [
        side('poll', { requests: 2, messages: 200, wire_bytes: 20_000, delay_ms: 900 }),
        side('long-poll', { requests: 90, messages: 200, wire_bytes: 30_000, delay_ms: 20 }),
        side('stream', { messages: 200, wire_bytes: 25_000, delay_ms: 9 }),
      ],
      'Long-polling made 90 requests to deliver 200 messages; Polling made 2; SSE made 1. With Long-polling, each message cost 50 % more bytes than with Polling, but arrived 0.9 s sooner.',
    ],
  ])('%# names which two it compares', (sides, sentence) => {
    expect(sayOfThree(...sides)).toBe(sentence);
  });

  test('exists in Korean too', () => {
    expect(korean.verdict(computeVerdict([POLL, LONG_POLL, STREAM]))).toBe(
      '폴링은 메시지 3개를 전하려고 요청을 41번 했고, 롱 폴링은 13번, SSE는 1번 했습니다. 폴링에서는 메시지 하나에 SSE에 견주어 바이트가 14배 들었고 0.9초 늦게 도착했습니다.',
    );
  });
});

/** Reads an English sentence back into what it claims. */
function claims(sentence: string) {
  const number = (text: string | undefined) =>
    text === undefined ? null : text === 'none' ? 0 : Number(text.replaceAll(',', ''));
  const find = (pattern: RegExp) => pattern.exec(sentence) ?? [];
  const [, dearer] = find(/With (.+?), each message/);
  const [, percent] = find(/cost ([\d,]+) % more bytes/);
  const [, times] = find(/cost ([\d,.]+) times as many bytes/);
  const [, ms, s, way] = find(/arrived (?:([\d,]+) ms|([\d,.]+) s) (later|sooner)/);
  return {
    requests: [...sentence.matchAll(/made ([\d,]+|none)/g)].map(([, made]) => number(made)),
    messages: [...sentence.matchAll(/deliver ([\d,]+) message/g)].map(([, made]) => number(made)),
    dearer,
    percent: number(percent),
    times: number(times),
    apart_ms: ms !== undefined ? number(ms) : s !== undefined ? (number(s) ?? 0) * 1_000 : null,
    way,
    both: / each(,| to)/.test(sentence),
  };
}

describe('the sentence before the first message', () => {
  const lane = (transport: LaneTotals['transport'], interval_s = 2) => ({ transport, interval_s });

  test('says once what lanes do alike', () => {
    expect(english.opening([lane('poll'), lane('poll')])).toBe(
      'One chat, read twice: Polling asks every 2 s for anything new.',
    );
    expect(english.opening([lane('poll'), lane('stream'), lane('poll')])).toBe(
      'One chat, read 3 times: Polling asks every 2 s for anything new; SSE asks once and is told.',
    );
    expect(korean.opening([lane('stream'), lane('poll'), lane('poll')])).toBe(
      '같은 대화를 세 번 읽습니다. SSE는 한 번 묻고 계속 전해 듣고, 폴링은 2초마다 새것이 있는지 묻습니다.',
    );
  });
});

describe('for any figures, the sentence', () => {
  let seed = 20_261_125;
  const random = () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
  const upTo = (most: number) => Math.floor(random() ** 3 * (most + 1));
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const any = (): LaneTotals => {
    const messages = pick([0, 1, 2, upTo(500)]);
    return {
      transport: pick(TRANSPORTS),
      polled: random() < 0.1,
      requests: pick([0, 1, 2, upTo(5_000)]),
      messages,
      wire_bytes: messages * 300 + upTo(100_000),
      delay_ms: messages === 0 || random() < 0.2 ? null : upTo(40_000),
    };
  };
  const pairs = Array.from({ length: 4_000 }, () => {
    const left = any();
    return [left, random() < 0.1 ? { ...left } : any()] as const;
  });
  const named = (transport: string, side: string | null) =>
    ({ poll: 'Polling', 'long-poll': 'Long-polling', stream: 'SSE' })[transport] +
    (side === null ? '' : ` on the ${side}`);

  test('claims only what the figures show', () => {
    for (const [left, right] of pairs) {
      const sentence = say(left, right);
      const claim = claims(sentence);
      const context = `${sentence} ${JSON.stringify([left, right])}`;
      const [more, fewer] = right.requests > left.requests ? [right, left] : [left, right];
      if (more.requests > 0) {
        const requests = claim.both ? [more.requests] : [more.requests, fewer.requests];
        expect(claim.requests, context).toEqual(requests);
        const delivered = [more.messages, fewer.messages].filter((messages) => messages > 0);
        const once = more.messages === fewer.messages ? delivered.slice(0, 1) : delivered;
        expect(claim.messages, context).toEqual(once);
      }
      const alike = left.transport === right.transport;
      const nameOf = (side: LaneTotals) =>
        named(side.transport, alike ? (side === left ? 'left' : 'right') : null);
      if (claim.dearer === undefined) {
        expect(left.messages === 0 || right.messages === 0, context).toBe(true);
        continue;
      }
      const dearer = [left, right].find((side) => nameOf(side) === claim.dearer) as LaneTotals;
      const cheaper = dearer === left ? right : left;
      const ratio = dearer.wire_bytes / dearer.messages / (cheaper.wire_bytes / cheaper.messages);
      expect(ratio, context).toBeGreaterThanOrEqual(1);
      if (claim.percent !== null)
        expect(Math.abs((ratio - 1) * 100 - claim.percent)).toBeLessThanOrEqual(0.5);
      else if (claim.times !== null) {
        expect(Math.abs(ratio - claim.times), context).toBeLessThanOrEqual(ratio < 9.95 ? 0.051 : 0.51);
      } else expect(ratio, context).toBeLessThan(1.0051);
      if (dearer.delay_ms === null || cheaper.delay_ms === null) {
        expect(claim.way, context).toBeUndefined();
        continue;
      }
      const later_ms = dearer.delay_ms - cheaper.delay_ms;
      const isAbout = Math.abs(later_ms) < Math.max(20, 0.1 * Math.max(dearer.delay_ms, cheaper.delay_ms));
      expect(claim.way, context).toBe(isAbout ? undefined : later_ms > 0 ? 'later' : 'sooner');
      expect(/at about the same time/.test(sentence), context).toBe(isAbout && later_ms !== 0);
      if (claim.apart_ms !== null)
        expect(Math.abs(Math.abs(later_ms) - claim.apart_ms), context).toBeLessThanOrEqual(
          Math.abs(later_ms) < 100 ? 0 : 50.001,
        );
    }
  });

  test('is grammatical in number, names one thing once, and is never empty', () => {
    for (const [left, right] of pairs) {
      const sentence = say(left, right);
      expect(sentence).not.toMatch(/\b1 (requests|messages)|(?<![\d,.])[02-9] (request|message)\b(?!s)/);
      expect(sentence).toMatch(/^[A-Z].*\.$/);
      expect(sentence).not.toMatch(/NaN|Infinity|undefined|null/);
    }
  });

  test('in Korean names the same figures', () => {
    const digits = (text: string) => [...text.matchAll(/[\d,.]*\d/g)].map(([digits]) => digits).sort();
    for (const [left, right] of pairs) {
      const [en, ko] = [say(left, right), sayInKorean(left, right)];
      if (left.requests === 0 || right.requests === 0) continue;
      expect(digits(ko), `${en} ${ko}`).toEqual(digits(en));
      expect(ko).not.toMatch(/NaN|Infinity|undefined|null/);
    }
  });
});
