// Korean: the page's header, its views and the room form.

import type { page as english } from '../en/page.ts';

export const page: typeof english = {
  title: (room) => `${room} · poll vs sse`,
  wordmark: { poll: 'poll', vs: 'vs', sse: 'sse' },

  room: '방',
  roomRule: '영문자(A–Z), 숫자, 하이픈, 밑줄 1–64자',
  go: '이동',
  copyLink: '링크 복사',
  linkCopied: '링크를 복사했습니다',
  linkIs: '이 방의 링크:',

  lanes: '레인',
  settings: '설정',
  token: '토큰',
  useToken: '토큰 사용',
  tokenInUse: '토큰을 보내고 있습니다.',
  language: '언어',
  tabs: { title: '보기', diagram: '다이어그램', conversation: '대화' },

  badRoomTitle: '그런 방은 없습니다',
  quoted: (given) => `‘${given}’`,
  badRoom: '은(는) 방 이름이 될 수 없습니다. 방 이름은 영문자(A–Z), 숫자, 하이픈, 밑줄 1–64자로 씁니다.',
  badRoomWayOn: '로비로 가기',
  badRoomOther: '또는 다른 방으로 가기:',
};
