// Korean: the guided tour.

import { formatCount } from '../format.ts';
import type { tour as english } from '../en/tour.ts';

export const tour: typeof english = {
  tour: '둘러보기',
  step: (step, steps) => `${steps}단계 중 ${step}단계`,
  back: '이전',
  next: '다음',
  done: '끝',
  skip: '둘러보기 그만두기',
  author: '둘러보기',
  hello: '둘러보기에서 보내는 인사입니다.',
  meanwhile: '네트워크가 끊긴 동안 올린 메시지입니다.',
  acting: '지켜보는 중…',
  notPosted: (detail) => `올리지 못했습니다. ${detail ?? '서버에 닿지 않습니다.'}`,
  saw: (delay) => `${delay} 뒤에 보임`,
  asked: (requests, empty) =>
    `요청 ${formatCount(requests)}번` +
    (requests === 0 ? '' : `, ${empty === 0 ? '허탕 없음' : `허탕 ${formatCount(empty)}번`}`),
  burstCost: (messages, requests) =>
    requests === 0
      ? `묻지 않고 메시지 ${messages}개`
      : `요청 ${formatCount(requests)}번으로 메시지 ${messages}개`,
  steps: {
    post: {
      title: '올리기',
      text: '이 페이지가 메시지 하나를 올립니다. 서버는 그것을 로그에 적고, 이 페이지도 다른 독자처럼 그것을 전해 들어야 합니다.',
    },
    watch: {
      title: '지켜보기',
      text: '폴링하는 레인은 새 메시지가 있든 없든 계속 묻고, 스트림은 한 번 물었으므로 더 물을 것이 없습니다.',
    },
    burst: {
      title: '몰아치기',
      text: '이 페이지가 메시지 200개를 한꺼번에 올립니다. 스트림은 메시지가 올 때마다 전하고, 폴링은 한 번의 답에 무더기로 받습니다. 말이 많을 때는 가끔 묻는 것이 쌉니다.',
    },
    cut: {
      title: '네트워크 끊기',
      text: '모든 레인이 5초 동안 끊기고, 그때 메시지 하나를 올립니다. 잃어버리지 않습니다. 레인마다 돌아오는 대로 가져와 한 번만 보여 줍니다.',
    },
    bill: {
      title: '계산서 읽기',
      text: '이 문장은 서버가 센 값이 말하는 것을 어느 쪽이든 그대로 말합니다. 다른 경우를 세려면 ‘처음부터 세기’를 누르세요.',
    },
  },
};
