// Korean: announcements for screen readers.

import { formatCount } from '../format.ts';
import type { announcer as english } from '../en/announcer.ts';

export const announcer: typeof english = {
  arrived: (lane, messages) => `${lane}: 지난 5초 동안 메시지 ${formatCount(messages)}개.`,
};
