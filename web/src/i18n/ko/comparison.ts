// Korean: the comparison of lanes.

import { formatTimeDifference, formatCount, formatSeconds, formatTenths } from '../format.ts';
import type { LaneRequests, LaneName, Verdict } from '../../lab/verdict.ts';
import type { comparison as english } from '../en/comparison.ts';
import { lane } from './lane.ts';

const SIDES = { left: '왼쪽', middle: '가운데', right: '오른쪽' };

const formatName = ({ transport, protocol, side }: LaneName) =>
  (protocol === null ? '' : `${lane.protocols[protocol]} `) +
  (side === null ? '' : `${SIDES[side]} `) +
  lane.transports[transport];
const formatLane = ({ polled, ...named }: LaneRequests) =>
  formatName(named) + (polled ? '(폴링이 대신함)' : '');
/** With the topic particle: SSE is pronounced with a final vowel, the others end in a consonant. */
const addTopicParticle = (lane: LaneRequests) =>
  formatLane(lane) + (lane.transport === 'stream' ? '는' : '은');
const addAndParticle = (lane: LaneRequests) => formatLane(lane) + (lane.transport === 'stream' ? '와' : '과');

function describeRequests(all: readonly LaneRequests[]): string {
  const [most, ...others] = all;
  if (most === undefined || most.requests === 0) return '아직 아무것도 묻지 않았습니다.';
  const none = all.every(({ messages }) => messages === 0);
  const sameMessages = all.every(({ messages }) => messages === most.messages);
  if (sameMessages && all.every(({ requests }) => requests === most.requests)) {
    const each = all
      .map((lane, at) => (at === all.length - 1 ? addTopicParticle(lane) : addAndParticle(lane)))
      .join(' ');
    return none
      ? `${each} 요청을 ${formatCount(most.requests)}번씩 했고, 아직 전해진 메시지는 없습니다.`
      : `${each} 메시지 ${formatCount(most.messages)}개를 전하려고 요청을 ${formatCount(most.requests)}번씩 했습니다.`;
  }
  const times = (lane: LaneRequests) => `${addTopicParticle(lane)} ${formatCount(lane.requests)}번`;
  if (none)
    return `${addTopicParticle(most)} 요청을 ${formatCount(most.requests)}번, ${others.map(times).join(', ')} 했고, 아직 전해진 메시지는 없습니다.`;
  if (sameMessages)
    return `${addTopicParticle(most)} 메시지 ${formatCount(most.messages)}개를 전하려고 요청을 ${formatCount(most.requests)}번 했고, ${others.map(times).join(', ')} 했습니다.`;
  const each = (side: LaneRequests) =>
    side.messages === 0
      ? `${addTopicParticle(side)} 요청을 ${formatCount(side.requests)}번 했지만 아직 메시지를 전하지 못했`
      : `${addTopicParticle(side)} 메시지 ${formatCount(side.messages)}개를 전하려고 요청을 ${formatCount(side.requests)}번 했`;
  return `${all.map(each).join('고, ')}습니다.`;
}

function describePerMessage(perMessage: NonNullable<Verdict['perMessage']>, lanes: number): string {
  const { bytes, arrival } = perMessage;
  const level = bytes.kind === 'same' || bytes.kind === 'about';
  const costs =
    bytes.kind === 'percent'
      ? `바이트가 ${formatCount(bytes.more)} % 더 들었`
      : bytes.kind === 'times'
        ? `바이트가 ${formatTenths(bytes.times)}배 들었`
        : bytes.kind === 'about'
          ? '바이트가 거의 같게 들었'
          : '바이트가 똑같이 들었';
  const joined =
    arrival === null
      ? '습니다'
      : arrival.kind === 'same' || arrival.kind === 'about'
        ? `고 ${arrival.kind === 'about' ? '거의 ' : ''}동시에 도착했습니다`
        : `${arrival.kind === 'sooner' && !level ? '지만' : '고'} ${formatTimeDifference(arrival.ms, '초')} ${arrival.kind === 'later' ? '늦게' : '빨리'} 도착했습니다`;
  const other = lanes > 2 ? `${formatName(perMessage.cheaper)}에 견주어 ` : '';
  return `${formatName(perMessage.costlier)}에서는 메시지 하나에 ${other}${costs}${joined}.`;
}

/** `last` ends the sentence. */
const READS = {
  poll: (interval_s: number, last: boolean) =>
    `폴링은 ${formatSeconds(interval_s)}초마다 새것이 있는지 ${last ? '묻습니다' : '묻고'}`,
  'long-poll': (_: number, last: boolean) =>
    `롱 폴링은 묻고 기다리기를 ${last ? '되풀이합니다' : '되풀이하고'}`,
  stream: (_: number, last: boolean) => `SSE는 한 번 묻고 계속 전해 ${last ? '듣습니다' : '듣고'}`,
};

export const comparison: typeof english = {
  opening: (lanes) => {
    const reads = (last: boolean) => lanes.map((lane) => READS[lane.transport](lane.interval_s, last));
    const [inner, ends] = [reads(false), reads(true)];
    const ways = [...new Set(inner)];
    const sentence = ways.map((way, at) => (at === ways.length - 1 ? ends[inner.indexOf(way)] : way));
    return `같은 대화를 ${['', '한', '두', '세'][lanes.length] ?? formatCount(lanes.length)} 번 읽습니다. ${sentence.join(', ')}.`;
  },
  counting: (seen, needed, nextPoll) =>
    `세는 중… 처음 메시지 ${formatCount(needed)}개 가운데 ${formatCount(seen)}개가 모든 레인에 닿았습니다.` +
    (nextPoll === null
      ? ''
      : ` ${formatName(nextPoll.lane)}은 ${formatCount(Math.ceil(nextPoll.in_ms / 1_000))}초 뒤에 다시 묻습니다.`),
  stalled: (lane, silent_ms, waiting) =>
    `${formatName(lane)}: ${formatCount(Math.round(silent_ms / 1_000))}초 동안 아무것도 오지 않았고, 메시지 ${formatCount(waiting)}개가 기다립니다.`,
  start: '대화 시작하기',
  stop: '대화 멈추기',
  readsAlong: (lane) =>
    `${lane}: 여기서는 다른 탭의 스트림을 함께 읽고, 그 비용은 그 탭의 클라이언트에게 매겨집니다:`,
  unreadable: '서버의 값을 읽을 수 없어 비교할 것이 없습니다.',
  comparison: '비교',
  verdict: (verdict) =>
    describeRequests(verdict.byRequests) +
    (verdict.perMessage === null
      ? ''
      : ` ${describePerMessage(verdict.perMessage, verdict.byRequests.length)}`),
  oneLane: (transport, made, delivered, wire_bytes) =>
    `${transport}: 메시지 ${formatCount(delivered)}개를 전하는 데 요청 ${formatCount(made)}번, ${formatCount(wire_bytes)}바이트가 들었습니다.`,
  verdictFrom:
    '모든 레인이 시작한 뒤로 서버가 센 값에서 나온 말입니다. 지연은 같은 메시지들의 중앙값으로 비교하고, 아직 기다리는 메시지는 지금까지 늦은 만큼 셉니다. 연결이 끊겨 두 번 보낸 메시지는 한 번만 셉니다. 바이트는 요청과 응답의 것이고, TLS 핸드셰이크처럼 연결 자체에 드는 바이트는 비용 표의 ‘연결의 바이트’에 있습니다.',
  caveats: {
    uneven: '레인들을 같은 시간 동안 세지 않았습니다.',
    'settings-changed': '세는 동안 설정이 바뀌었습니다. 처음부터 다시 세세요.',
  },
  startOver: '처음부터 세기',
  startOverHint: '모든 레인이 새 클라이언트가 되어 같은 순간에 0부터 셉니다.',
};
