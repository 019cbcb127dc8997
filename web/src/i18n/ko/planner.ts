// Korean: the planner.

import { formatAmount } from '../amounts.ts';
import type { planner as english } from '../en/planner.ts';

export const planner: typeof english = {
  planner: {
    title: '플래너',
    explained:
      '클라이언트 수에 따라 전송 방식마다 드는 비용을 측정값으로 계산합니다. 모두 같은 방을 읽는다고 봅니다. 한가한 서버는 폴링이 올 때 잠들어 있어 한 번에 드는 비용이 더 큽니다.',
    fields: {
      clients: '클라이언트',
      rate: '빈도',
      size: '크기',
      max_delay: '허용 지연',
      server_cores: '코어',
      server_memory: '메모리',
      server_network: '네트워크',
      utilization: '사용률',
      round_trip: '왕복 시간',
    },
    units: {
      clients: '개, 동시 접속',
      rate: '개, 클라이언트당 초당 메시지',
      size: '바이트, 메시지 본문',
      max_delay: '초, 가장 늦을 때',
      server_cores: '개, 서버당',
      server_memory: 'GiB, 서버당',
      server_network: 'Gbit/s, 방향당',
      utilization: '%, 각 자원의',
      round_trip: 'ms, 클라이언트까지',
    },
    outOfRange: (least, most) => `${formatAmount(least)}에서 ${formatAmount(most)} 사이의 수를 넣으세요.`,
    servers: '서버와 네트워크',
    stack: '서버 종류',
    ownServer: '이 서버(보정 모델)',
    spacing: '메시지 간격',
    spacings: { random: '사람이 쓰듯 불규칙하게', regular: '일정하게' },
    table: '전송 방식마다 드는 비용',
    rows: {
      interval: '폴링 간격',
      requests: '초당 요청',
      empty: '빈 응답',
      wire_in: '초당 수신 바이트',
      wire_out: '초당 송신 바이트',
      cores: '사용 코어',
      dominant: '주된 일',
      memory: '메모리',
      kernel_memory: '커널 메모리',
      connections: '연결',
      delay_mean: '평균 지연',
      delay_worst: '최대 지연',
      servers: '서버 수',
      limit: '결정 요인',
    },
    parts: {
      process: '프로세스 자체',
      publishing: '게시',
      requests: '요청',
      messages: '메시지',
      'keep-alives': '연결 유지',
      connections: '연결',
    },
    limits: { cpu: 'CPU', memory: '메모리', network: '네트워크', workers: '워커', delay: '지연' },
    impossible: '불가능',
    seconds: (value) => `${value}초`,
    over: {
      max_delay_s: '허용 지연에 따른 사용 코어',
      rate: '초당 메시지에 따른 사용 코어',
      clients: '클라이언트 수에 따른 사용 코어',
    },
    chart: (name, crossings) =>
      crossings === null
        ? `${name}: 폴링과 SSE가 만나지 않습니다.`
        : `${name}: 폴링과 SSE가 만나는 곳은 ${crossings}입니다.`,
    asked: '질문',

    times: (ratio) => `${ratio}배`,
    takesNone: (name, limit) => `${name}: 이런 서버로는 몇 대로도 부족합니다(${limit}).`,
    takesOne: (name, part) => `${name}: 서버 1대면 되고, 주된 일은 ${part}입니다.`,
    takesMany: (name, servers, limit, part) =>
      `${name}: 서버 ${servers}대가 필요하고(${limit} 때문), 주된 일은 ${part}입니다.`,
    noInterval: (delay, isStreamEnough) =>
      `지연 ${delay} 안에 받을 만큼 짧은 폴링 간격은 없습니다. ${isStreamEnough ? 'SSE가 필요합니다.' : 'SSE로도 부족합니다.'}`,
    noServers: (forPolling, forSse) =>
      `이런 서버로는 몇 대로도 ${forPolling && forSse ? '폴링도 SSE도' : forPolling ? '폴링은' : 'SSE는'} 할 수 없습니다.`,
    neverBoth: '허용 지연이 얼마든 폴링과 SSE가 모두 가능한 경우는 없습니다.',
    found: (share) => `폴링의 ${share}는 새 메시지 없이 끝납니다.`,
    verdict: (clients, interval, cpu, wire) => {
      return cpu === null && wire === null
        ? `클라이언트 ${clients}개가 ${interval}마다 폴링하면 CPU와 전송 바이트가 SSE와 거의 같습니다.`
        : `클라이언트 ${clients}개가 ${interval}마다 폴링하면 SSE와 견주어 CPU는 ${cpu === null ? '거의 같고' : `${cpu}이고`}, 전송 바이트는 ${wire === null ? '거의 같습니다' : `${wire}입니다`}.`;
    },
    between: (from, to) => `${from}에서 ${to} 사이`,
    above: (from) => `${from} 초과`,
    below: (to) => `${to} 미만`,
    or: ' 또는 ',
    rateOf: (rate) => `초당 ${rate}개`,
    turnsByDelay: (rate, cpu, wire) => {
      const takes = (what: string, delay: string | null) =>
        delay === null
          ? `${what} 언제나 SSE가 더 적습니다`
          : delay === ''
            ? `${what} 언제나 폴링이 더 적습니다`
            : `${what} 허용 지연이 ${delay}일 때 폴링이 더 적습니다`;
      return `메시지가 ${rate}일 때 ${takes('CPU는', cpu)}. ${takes('전송 바이트는', wire)}.`;
    },
    turnsByRate: (delay, rate) => {
      const when =
        rate === null
          ? '어떤 빈도에서도 SSE의 CPU가 더 적습니다'
          : rate === ''
            ? '어떤 빈도에서도 폴링의 CPU가 더 적습니다'
            : `메시지 빈도가 ${rate}일 때 폴링의 CPU가 더 적습니다`;
      return `허용 지연이 ${delay}이면 ${when}.`;
    },
    reconnects: '폴링 간격이 이만큼 길면 쉬던 연결이 이미 닫혀 있어 폴링마다 새로 연결합니다.',
    step: (delay, idle) =>
      `지연 ${delay}의 계단: 서버는 ${idle} 동안 쉬는 연결을 닫으므로, 간격이 더 길면 폴링마다 새 연결의 값을 치릅니다.`,
    minutes: (value) => `${value}분`,
    noAnswer: '서버가 플래너에 답하지 않습니다. 답할 때까지 마지막 답을 그대로 둡니다.',
    noAnswerYet: '서버가 플래너에 답하지 않습니다. 다시 묻습니다.',
    howSure: '얼마나 확실한가요?',
    sameForMany: (clients) => `클라이언트 ${formatAmount(clients)}개라면`,
    filled: '지난 1분 동안 레인이 받은 것으로 채웠습니다.',
    nothingObserved: '레인이 받은 메시지가 아직 충분하지 않습니다. 메시지를 보내고 몇 초 기다리세요.',
    beyondWhat: {
      'clients-per-server': (value) => `서버당 클라이언트 ${value}개`,
      rate: (value) => `초당 메시지 ${value}개`,
      size: (value) => `메시지 크기 ${value}바이트`,
      interval: (value) => `폴링 간격 ${value}초`,
    },
    beyond: (asked, least, most) => `측정 범위를 벗어남: ${asked} (측정 범위 ${least}–${most}).`,
    stackSource: (title, setup, date, cpu, bytes) =>
      `${date}에 ${title}(코어마다 ${setup})을 측정한 값으로 계산했습니다. 모델을 맞추지 않은 일정한 빈도의 스트림에서 ` +
      `CPU는 최대 ${cpu}, 바이트는 최대 ${bytes} 어긋났습니다. 폴링 클라이언트의 메모리와 연결을 여는 비용은 측정하지 않아 ` +
      `들어 있지 않습니다.`,
    lightLoad: (load, least) =>
      `모델이 아는 범위를 벗어남: 폴링이 코어마다 ${load}만 씁니다. ${least} 이하에서는 모델이 폴링을 ` +
      `측정값의 두 배 넘게 높게 본 경우가 있습니다.`,
    someMachine: '어떤 기계',
    source: (machine, date, version, cpu, bytes) =>
      `${machine}, ${date}, 버전 ${version}에서 측정했습니다. 맞춤에 쓰지 않은 점에서 모델의 오차는 CPU ${cpu}, ` +
      `바이트 ${bytes} 이내였습니다. 내 기계는 “poll-vs-sse compare --calibrate”로 측정합니다.`,
  },
};
