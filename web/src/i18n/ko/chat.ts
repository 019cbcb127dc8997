// Korean: the log and the composer.

import { formatCount } from '../format.ts';
import type { chat as english } from '../en/chat.ts';

export const chat: typeof english = {
  log: '메시지',
  emptyTitle: (room) => `${room} 방에는 아직 아무 말도 없습니다.`,
  emptyHint: '아래에 무언가 쓰거나, 페이지가 트래픽을 올리게 해 보세요.',
  older: (shown) => `마지막 메시지 ${formatCount(shown)}개만 보여 줍니다.`,
  gap: {
    expired:
      '여기에 빠진 메시지가 있을 수 있습니다. 이 페이지가 마지막으로 읽은 뒤의 메시지를 서버가 더는 다 갖고 있지 않습니다.',
    unknown: '여기에 빠진 메시지가 있을 수 있습니다. 서버가 로그를 새로 시작했습니다.',
    other:
      '여기에 빠진 메시지가 있을 수 있습니다. 서버가 그렇게 알렸지만 이유는 이 페이지가 모르는 것입니다.',
  },
  fromHere: (transport) => `여기부터 ${transport}`,
  unread: (unread) => `새 메시지 ${formatCount(unread)}개`,
  own: '나',
  seenAfter: (delay) => `${delay} 뒤 도착`,
  notHereYet: (missing) => `아직 오지 않은 메시지 ${formatCount(missing)}개`,

  name: '이름',
  message: '메시지 쓰기',
  send: '보내기',
  needName: '이름을 먼저 써 주세요.',
  needText: '보낼 말을 먼저 써 주세요.',
  longName: (limit) => `이름이 ${formatCount(limit)}자를 넘습니다.`,
  longText: (over) => `${formatCount(over)}자 넘칩니다.`,
  controlName: '이름에 보낼 수 없는 제어 문자가 있습니다.',
  controlText: '메시지에 보낼 수 없는 제어 문자가 있습니다. 붙여 넣을 때 섞였을 수 있습니다.',
  sendFailed: {
    network: () => '보내지 못했습니다. 서버에 닿지 않습니다. 쓴 글은 그대로 있으니 다시 보내 주세요.',
    refused: (detail) => `보내지 못했습니다. ${detail ?? '서버가 이유 없이 거절했습니다.'}`,
    unauthorized: () =>
      '보내지 못했습니다. 서버가 토큰을 요구하는데 유효한 토큰이 없습니다. 설정에서 토큰을 넣어 주세요.',
    forbidden: () => '보내지 못했습니다. 이 토큰으로는 이 방에 쓸 수 없습니다.',
    limited: (_, wait_s) =>
      `보내지 못했습니다. 한꺼번에 너무 많이 보냈습니다. 쓴 글은 그대로 있으니 ${wait_s === 0 ? '잠시' : `${formatCount(wait_s)}초`} 뒤에 다시 보내 주세요.`,
    away: () =>
      '보내지 못했습니다. 서버가 지금 메시지를 저장하지 못합니다. 쓴 글은 그대로 있으니 다시 보내 주세요.',
    garbled: () => '서버의 답을 읽을 수 없습니다. 보내졌을 수도, 아닐 수도 있습니다.',
  },
  sending: '보내는 중…',
  awaited: {
    poll: '로그에 들어갔습니다. 폴링은 다음에 물을 때 보여 줍니다.',
    'long-poll': '로그에 들어갔습니다. 롱 폴링은 답이 올 때 보여 줍니다.',
    stream: '로그에 들어갔습니다. SSE는 스트림이 가져올 때 보여 줍니다.',
  },
};
