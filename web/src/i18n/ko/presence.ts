// Korean: presence.

import { formatTimeDifference, formatCount } from '../format.ts';
import type { presence as english } from '../en/presence.ts';

export const presence: typeof english = {
  whoIsHere: '누가 있나',
  whoIsHereCount: (present) => `누가 있나: ${formatCount(present)}`,
  presenceExplained:
    '스트림은 연결이 있는 동안 여기 있습니다. 폴링은 제 간격을 두 번 거르면 나간 것으로 봅니다. 이것이 열려 있는 동안 폴링은 매번 누가 있는지 묻고 답에 실어 오며, 스트림은 바뀔 때만 듣습니다.',
  presenceAwaited: '다음 답이 오면 압니다.',
  thisPage: '이 페이지',
  nameless: '아직 이름 없음',
  othersToo: (others) => `외 ${formatCount(others)}명`,
  throughTab: (transport) => `다른 탭을 거쳐 ${transport}`,
  unknownTransport: '이 페이지가 모르는 방식',
  visit: '손님 둘이 왔다 가기',
  visitor: '손님',
  visiting: '손님 둘이 와 있습니다. 하나는 폴링, 하나는 SSE. 같은 순간에 나갑니다…',
  departures: '나간 사람',
  leftNoticed: (name, transport, ms) =>
    `${name}(${transport}) 나감: ${formatTimeDifference(ms, '초')} 뒤에 알아챔`,
  left: (name, transport) => `${name}(${transport}) 나감`,
  noticedLonger: (ms, times) =>
    `폴링하는 쪽이 나간 것은 ${formatTimeDifference(ms, '초')} 더 지나서, ${times}배 걸려서 알아챘습니다.`,
};
