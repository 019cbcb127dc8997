// Korean: a lane's network, and the notices about it.

import { formatCount, formatSeconds } from '../format.ts';
import type { network as english } from '../en/network.ts';

const s = (value: number) => `${formatSeconds(value)}초`;

export const network: typeof english = {
  network: '네트워크',
  networks: {
    healthy: '정상',
    buffer: '버퍼링 프록시',
    cut: '5초 뒤 끊김',
    slow: '느린 회선',
    offline: '5초 동안 오프라인',
    restart: '서버 재시작',
  },
  expect: {
    healthy: '이 레인과 서버 사이에 아무 문제도 없습니다.',
    buffer:
      '프록시가 16 KiB가 모이거나 답이 끝날 때까지 붙들어 둡니다. 스트림은 끝나지 않으므로 막히고, 폴링의 답은 끝나므로 그대로 지나갑니다.',
    cut: '연결마다 첫 요청 5초 뒤에 끊깁니다. 스트림은 마지막 메시지부터 다시 이어지고, 기다리던 롱 폴링은 답을 잃어 다시 물으며, 폴링은 새 연결을 열 뿐입니다.',
    slow: '답이 0.3초 늦게 시작해 초당 2 KiB씩 흘러옵니다. 모든 것이 늦게 오고, 할 말이 많을수록 더 늦습니다.',
    offline:
      '이 레인만 5초 동안 네트워크가 없습니다. 열려 있던 것은 끊기고 새로 시작하지 못하며, 그 뒤에 저마다 놓친 것을 가져옵니다.',
    restart:
      '서버가 이 레인의 연결을 한꺼번에 닫습니다. 스트림과 기다리던 롱 폴링은 끊겼다가 다시 연결하고, 마침 묻고 있던 폴링은 다시 묻습니다.',
  },
  silentFor: (silent_s, of_s) =>
    `스트림이 ${s(of_s)} 가운데 ${s(silent_s)} 동안 조용합니다. 그 뒤에는 이 레인이 폴링합니다.`,
  healthyIn: (left_s) => `${s(left_s)} 뒤 정상으로 돌아옵니다.`,
  healthyAgain: '다시 정상입니다.',
  muteAfter: '막힘 판정',
  secondsUnit: '초',
  muteExplained:
    '스트림이 이만큼 아무것도, 연결 유지 신호조차 가져오지 않으면 막힌 것입니다. 그러면 이 레인은 폴링을 하면서 이따금 스트림을 다시 시도합니다.',

  fallback: {
    mute: '막힌 스트림 대신 폴링 중',
    crowded: '남는 연결이 없어 폴링 중',
    shared: (polls) => (polls ? '다른 탭을 거쳐 폴링 중' : '다른 탭을 거쳐 SSE로 받는 중'),
    sharing: '다른 탭 몫까지 SSE로 받는 중',
  },
  notice: {
    mute: (idle_s, again_s) =>
      `스트림이 열려 있는데 ${s(idle_s)} 동안 연결 유지 신호조차 오지 않았습니다. 중간에서 무언가가 붙들고 있습니다. ` +
      `이 레인은 그동안 폴링을 하고, ${again_s > 0 ? `${s(again_s)} 뒤에` : '지금'} 스트림을 다시 시도합니다.`,
    crowdedStreams:
      'HTTP/2에서는 연결 하나가 모든 탭을 합쳐 스트림 100개를 나르고, 하나 더 필요하면 오류도 없이 기다립니다. ' +
      '남길 수 있는 것은 다른 탭이 쓰고 있어, 하나가 빌 때까지 이 레인은 폴링합니다. 탭을 닫으면 빕니다.',
    crowded:
      'HTTP/1.1에서 브라우저는 한 서버에 모든 탭을 합쳐 연결을 여섯 개만 열고, 일곱 번째는 오류도 없이 기다립니다. ' +
      '내줄 수 있는 연결을 다른 탭이 다 쓰고 있어서, 빈자리가 날 때까지 이 레인은 폴링을 합니다. 탭을 닫으면 자리가 납니다.',
    shared: (polls) =>
      `이 탭은 다른 탭의 스트림을 함께 씁니다.${polls ? ' 그 탭은 지금 스트림 대신 폴링을 합니다.' : ''} 비용은 다음 클라이언트에 잡힙니다:`,
    sharing: (tabs) =>
      `이 탭의 스트림을 다른 탭 ${formatCount(tabs)}개가 함께 읽습니다. 비용은 이 탭의 클라이언트에 잡힙니다.`,
  },
};
