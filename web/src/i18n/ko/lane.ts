// Korean: a lane's transport, settings, status and cost.

import { formatPercent } from '../amounts.ts';
import { formatCount, formatSeconds } from '../format.ts';
import type { lane as english } from '../en/lane.ts';

export const lane: typeof english = {
  transport: '전송 방식',
  transports: { poll: '폴링', 'long-poll': '롱 폴링', stream: 'SSE' },
  laneName: (transport, place) => (place === null ? transport : `${transport} (${place})`),
  places: { left: '왼쪽', middle: '가운데', right: '오른쪽' },
  explained: {
    poll: '자꾸 다시 묻습니다. 조용한 방에서는 대개 새것이 없다는 답입니다.',
    'long-poll': '물으면, 서버는 할 말이 생길 때까지 답을 미룹니다.',
    stream: '한 번만 묻습니다. 답은 끝나지 않고, 서버가 메시지를 거기에 써 넣습니다.',
  },
  interval: '폴링 간격',
  intervalExplained: '폴링 하나가 시작된 뒤 다음이 시작될 때까지.',
  secondsSpoken: (value) => `${formatSeconds(value)}초`,

  protocols: {
    'http/1.1': 'HTTP/1.1',
    'http/1.1+tls': 'TLS 위의 HTTP/1.1',
    h2: 'HTTP/2',
    'h2+tls': 'TLS 위의 HTTP/2',
  },
  overProtocol: (protocol) => protocol,
  tlsVersion: (protocol, version) => protocol.replace('TLS', `TLS ${version}`),
  protocol: '프로토콜',
  protocolExplained:
    '브라우저는 주소에 따라 프로토콜을 고릅니다. 서버의 평문 주소에서는 HTTP/1.1, TLS 주소에서는 HTTP/2입니다. 고르면 모든 레인이 처음부터 다시 셉니다.',
  cookie: '쿠키',
  cookieSize: (kib) => (kib === 0 ? '없음' : `${kib} KiB`),
  cookieExplained:
    '사이트의 쿠키처럼 요청마다 함께 보냅니다. 브라우저가 경로마다 보관하므로, 같은 경로에 묻는 레인은 함께 씁니다.',
  cookieElsewhere: '이 레인은 서버의 다른 주소에서 읽고, 브라우저는 페이지의 쿠키를 그곳에 보내지 않습니다.',

  connecting: '연결하는 중…',
  live: {
    poll: (interval_s) => `${formatSeconds(interval_s)}초마다 폴링`,
    'long-poll': () => '롱 폴링 중',
    stream: () => 'SSE로 받는 중',
  },
  reconnecting: '다시 연결하는 중…',
  reconnectingWhy: {
    network: () => '서버와 연결되어 있지 않습니다.',
    refused: (detail) => detail ?? '서버가 지금은 거절합니다.',
    unanswered: () =>
      '거절조차 없이 아무 답도 오지 않습니다. 서버나 네트워크가 멈췄거나, 브라우저가 한 서버에 여는 연결 여섯 개를 다른 탭이 다 쓰고 있습니다. 그렇다면 탭을 닫으면 나아집니다.',
    garbled: () => '서버가 이 페이지가 모르는 것을 보냅니다. 새로고침하면 나아질 수 있습니다.',
  },

  glance: {
    name: '한눈에',
    requests: (requests, empty) =>
      requests === 0 ? '요청' : `요청, ${empty === 0 ? '허탕 없음' : `허탕 ${formatCount(empty)}번`}`,
    wire_bytes: (overhead) =>
      // The word joiner keeps the particle with its number.
      overhead === null
        ? '바이트'
        : `바이트, ${formatPercent(overhead).replace(' ', '\u00a0')}\u2060는 부대 비용`,
    overheadExplained: '헤더와 메시지를 감싸는 틀: 메시지가 아닌 모든 것.',
    delay_ms: (waiting) => `지연 중앙값${waiting === 0 ? '' : `, ${formatCount(waiting)}개 대기`}`,
  },

  cost: '비용',
  costSummary: (requests, wire_bytes) => `요청 ${formatCount(requests)}번 · ${formatCount(wire_bytes)}바이트`,
  costRows: {
    requests: '요청',
    empty: '빈 답',
    messages: '메시지',
    connections: '연결',
    connection_bytes: '연결의 바이트',
    wire_bytes: '오간 바이트',
    head_bytes: '그중 헤더',
    presence_bytes: '그중 누가 있나',
    bytes_per_message: '메시지당 바이트',
    delay_median: '지연 (중앙값)',
    delay_95: '지연 (95 %)',
  },
  costExplained: {
    requests: '물은 횟수',
    empty: '메시지 없이 답함',
    messages: '이 클라이언트에 전달됨',
    connections: '첫 요청으로 센 TCP',
    connection_bytes: 'TLS, 설정; 오간 바이트와 별도',
    wire_bytes: '양쪽으로, 헤더까지',
    head_bytes: '본문이 아닌 모든 것',
    presence_bytes: '보이는 동안만',
    bytes_per_message: '바이트를 메시지로 나눔',
    delay_median: '절반은 더 빨리 보임',
    delay_95: '100개 중 95개는 더 빨리',
  },
  sharedConnection: (none) => `${none}, 함께 씀`,
  reusedConnection: (none) => `${none}, 이어서 씀`,
  noFigure: '–',
  costOf: '이 페이지가 읽는 데 든 비용',
  countedFor: '서버가 센 값, 클라이언트',
  countedSince: (time) => `${time}부터.`,
  notYet: '처음 보는 대로.',
  missing: {
    paused: '이 레인은 지금 연결이 없습니다.',
    away: '비용을 물어도 서버가 답하지 않습니다.',
    refused: '비용을 묻는 것을 서버가 지금 거절합니다. 나중에 다시 묻습니다.',
    unreadable: '비용을 물으면 서버가 읽을 수 없는 답을 합니다.',
  },
  figuresOf: (time) => `${time}의 값입니다.`,
  noFiguresYet: '아직 값이 없습니다.',
  standIn: (transport, requests, messages) =>
    `${transport}, 그리고 대신한 폴링: 이 가운데 요청 ${formatCount(requests)}번과 메시지 ${formatCount(messages)}개는 폴링의 것입니다.`,
  alongOnly:
    '이 레인은 다른 탭의 스트림을 함께 읽습니다. 여기에는 스스로 물은 것만 있고, 비용은 다음 클라이언트에게 매겨집니다:',
  rawFigures: '원래 값',
};
