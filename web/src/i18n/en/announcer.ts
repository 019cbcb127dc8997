// English: announcements for screen readers.

import { formatCount } from '../format.ts';

export const announcer = {
  arrived: (lane: string, messages: number) =>
    `${lane}: ${formatCount(messages)} ${messages === 1 ? 'message' : 'messages'} in the last 5 seconds.`,
};
