// English: presence.

import { formatTimeDifference, formatCount } from '../format.ts';

export const presence = {
  whoIsHere: 'Who is here',
  whoIsHereCount: (present: number) => `Who is here: ${formatCount(present)}`,
  presenceExplained:
    'A stream is here while its connection is. A poller is gone once it missed two of its intervals. While this is open, each poll asks who is here and carries the answer; a stream is told of changes.',
  presenceAwaited: 'Known with the next answer.',
  thisPage: 'this page',
  nameless: 'no name yet',
  othersToo: (others: number) => `and ${formatCount(others)} more`,
  throughTab: (transport: string) => `${transport} through another tab`,
  unknownTransport: 'in a way this page does not know',
  visit: 'Two visitors come and leave',
  visitor: 'visitor',
  visiting: 'Two visitors are here, one by polling, one by SSE. They leave at the same moment…',
  departures: 'Who left',
  leftNoticed: (name: string, transport: string, ms: number) =>
    `${name} (${transport}) left: noticed ${formatTimeDifference(ms)} later`,
  left: (name: string, transport: string) => `${name} (${transport}) left`,
  noticedLonger: (ms: number, times: string) =>
    `The poller’s departure took ${formatTimeDifference(ms)} longer to notice, ${times} times as long.`,
};
