// English: announcements for screen readers.

import { count } from '../format.ts';

export const announcer = {
  arrived: (lane: string, messages: number) =>
    `${lane}: ${count(messages)} ${messages === 1 ? 'message' : 'messages'} in the last 5 seconds.`,
};
