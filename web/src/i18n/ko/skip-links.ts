// Korean: skip links.

import type { skipLinks as english } from '../en/skip-links.ts';

export const skipLinks: typeof english = {
  title: '건너뛰기',
  to: {
    write: '메시지 쓰기',
    messages: '메시지로 건너뛰기',
    below: '그래프와 플래너로 건너뛰기',
  },
};
