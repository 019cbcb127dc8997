// Korean: the traffic control.

import { formatCount } from '../format.ts';
import type { PublishFailure } from '../../lab/publish.ts';
import type { traffic as english } from '../en/traffic.ts';

/** The messages of a chatty room, repeated in turn. */
const LINES = [
  '버스 왔어?',
  '두 정거장 남았어.',
  '그럼 차는 다 마시겠네.',
  '무슨 차?',
  '보리차. 그것밖에 없더라.',
  '우산 챙겨, 하늘이 흐려.',
  '하늘은 늘 흐리지.',
  '온다, 온다.',
];
const PATTERNS = { chatty: '수다', burst: '몰아치기', steady: '일정하게' };

function describeFailure({ why, detail, retryAfter_s }: PublishFailure): string {
  switch (why) {
    case 'unauthorized':
      return '서버가 토큰을 요구하는데 유효한 토큰이 없습니다.';
    case 'forbidden':
      return '이 토큰으로는 이 방에 쓸 수 없습니다.';
    case 'limited':
      return `서버가 지금은 더 받지 않습니다.${retryAfter_s === 0 ? '' : ` ${formatCount(retryAfter_s)}초 뒤에 다시 됩니다.`}`;
    case 'away':
      return '서버가 지금 메시지를 저장하지 못합니다.';
    default:
      return detail ?? '서버에 닿지 않습니다.';
  }
}

export const traffic: typeof english = {
  traffic: '트래픽',
  trafficExplained: '볼거리가 있도록 이 페이지가 “트래픽”이라는 이름으로 정말로 올리는 메시지입니다.',
  patterns: { quiet: '조용히', chatty: '수다스러운 방', burst: '200개 몰아치기', steady: '일정하게' },
  rate: { messages: '메시지 ', perSecond: '초당' },
  trafficAuthor: '트래픽',
  trafficText: (pattern, number) =>
    pattern === 'chatty' ? (LINES[(number - 1) % LINES.length] ?? '') : `${PATTERNS[pattern]} ${number}`,
  trafficProgress: (published, failed) =>
    `${formatCount(published)}개 올림${failed === 0 ? '' : `, ${formatCount(failed)}개 실패`}`,
  trafficEnded: (how, progress, minutes, messages) =>
    ({
      done: `끝: ${progress}.`,
      stopped: `멈춤: ${progress}.`,
      hidden: `페이지가 보이지 않아 멈춤: ${progress}.`,
      limit: `${formatCount(minutes)}분 또는 메시지 ${formatCount(messages)}개가 되어 멈춤: ${progress}.`,
      failed: `멈춤: ${progress}. ${how.kind === 'failed' ? describeFailure(how.why) : ''}`,
    })[how.kind],
};
