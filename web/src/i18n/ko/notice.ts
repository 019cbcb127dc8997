// Korean: notices about the page or its address.

import type { Feature } from '../../lab/browser-features.ts';
import type { SettingRange } from '../../lab/url-settings.ts';
import { formatAmount } from '../amounts.ts';
import type { pageNotice as english } from '../en/notice.ts';

const FEATURES: Record<Feature, string> = {
  storage: '저장소(이름을 기억하지 못합니다)',
  locks: 'Web Locks(탭마다 연결을 따로 엽니다)',
  channels: '탭 사이의 채널(탭마다 스트림을 따로 엽니다)',
};

const UNITS: Record<SettingRange['unit'], string> = {
  seconds: '초 단위로 ',
  'messages-per-second': '초당 메시지 수로 ',
  none: '',
};

export const pageNotice: typeof english = {
  notice: '알림',
  reload: '페이지 새로고침',
  close: '닫기',
  newer: '서버에 더 새로운 페이지가 있습니다. 새로고침해도 잃는 것은 없습니다.',
  garbled:
    '서버가 이 페이지가 읽을 수 없는 것을 답했습니다. 알아서 다시 묻습니다. 새 페이지라면 알아들을 수도 있습니다.',
  tokenNeeded: '이 방을 읽으려면 서버가 허용하는 토큰이 필요합니다.',
  enterToken: '토큰 입력',
  unknownValue: (name, value) =>
    `주소에 있는 “${name}=${value}”은(는) 이 페이지가 모르는 값이라 쓰지 않습니다.`,
  unknownNames: (names) =>
    `주소에 있는 ${names.map((name) => `“${name}”`).join(', ')}은(는) 이 페이지가 모르는 이름이라 쓰지 않습니다.`,
  wrongNumber: (name, value, { min, max, unit }) =>
    `주소에 있는 “${name}=${value}”은(는) 쓰지 않습니다. ${UNITS[unit]}${formatAmount(min)}에서 ${formatAmount(max)} 사이의 수여야 합니다.`,
  protocolMissing: (protocol) =>
    `주소가 ${protocol}을(를) 요구하지만 이 브라우저는 이 서버에서 쓸 수 없습니다. 레인은 페이지와 같은 프로토콜로 읽습니다.`,
  refused: (features) =>
    `이 브라우저는 이 페이지에 다음을 허용하지 않습니다: ${features.map((each) => FEATURES[each]).join(', ')}. 나머지는 모두 됩니다.`,
  failedTitle: '페이지를 열지 못했습니다',
  failed:
    '이 브라우저에서 무언가가 되지 않습니다. 새로고침하거나 더 새로운 브라우저를 써 보세요. 메시지는 서버에 그대로 있습니다.',
};
