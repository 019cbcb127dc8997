// Korean: the keyboard shortcuts.

import type { keys as english } from '../en/keys.ts';

export const keys: typeof english = {
  title: '단축키',
  present: '발표 모드',
  leavePresent: '발표 모드 끝내기',
  acts: {
    P: '발표 모드: 레인만 크게',
    T: '대화 시작하기, 멈추기',
    B: '메시지 200개 몰아치기',
    F: '모든 레인 앞에 버퍼링 프록시, 다시 누르면 정상',
    '␣': '다이어그램 일시정지, 재개',
    Esc: '발표 모드 끝내기',
    '?': '이 목록',
  },
  on: '단축키 쓰기',
  close: '닫기',
};
