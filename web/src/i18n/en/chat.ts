// English: the log and the composer.

import { formatCount } from '../format.ts';
import type { Reset } from '../../client/message.ts';
import type { Transport } from '../../client/transport.ts';

export const chat = {
  log: 'Messages',
  emptyTitle: (room: string) => `Nothing has been said in ${room} yet.`,
  emptyHint: 'Write something below, or let the page publish some traffic.',
  older: (shown: number) => `Only the last ${formatCount(shown)} messages are shown.`,
  gap: {
    expired:
      'Messages may be missing here: the server no longer keeps all that was said since this page last read.',
    unknown: 'Messages may be missing here: the server has begun a new log.',
    other: 'Messages may be missing here: the server says so, for a reason this page does not know.',
  } satisfies Record<Reset, string>,
  fromHere: (transport: string) => `from here by ${transport}`,
  unread: (unread: number) => `${formatCount(unread)} new ${unread === 1 ? 'message' : 'messages'}`,
  own: 'you',
  seenAfter: (delay: string) => `seen after ${delay}`,
  notHereYet: (missing: number) =>
    `${formatCount(missing)} ${missing === 1 ? 'message is' : 'messages are'} not here yet`,

  name: 'Name',
  message: 'Message',
  send: 'Send',
  needName: 'Write your name first.',
  needText: 'Write something to send first.',
  longName: (limit: number) => `The name is longer than ${formatCount(limit)} characters.`,
  longText: (over: number) => `${formatCount(over)} ${over === 1 ? 'character' : 'characters'} too long.`,
  controlName: 'The name contains a control character, which cannot be sent.',
  controlText:
    'The message contains a control character, which cannot be sent; it may have come with a paste.',
  sendFailed: {
    network: () => 'Not sent: the server could not be reached. The text is still here; send it again.',
    refused: (detail: string | null) => `Not sent: ${detail ?? 'the server refused it without saying why.'}`,
    unauthorized: () =>
      'Not sent: the server asks for a token, and got none that is still valid. Enter one under Settings.',
    forbidden: () => 'Not sent: this token does not allow you to write in this room.',
    limited: (_: string | null, wait_s: number) =>
      `Not sent: that was too much at once. The text is still here; send it again ${wait_s === 0 ? 'in a moment' : `in ${formatCount(wait_s)} s`}.`,
    away: () =>
      'Not sent: the server cannot store messages at the moment. The text is still here; send it again.',
    garbled: () => 'The server’s answer could not be read, so this may or may not have been sent.',
  },
  sending: 'Sending…',
  awaited: {
    poll: 'In the log. Polling shows it with its next poll.',
    'long-poll': 'In the log. Long-polling shows it when its request is answered.',
    stream: 'In the log. SSE shows it when the stream brings it.',
  } satisfies Record<Transport, string>,
};
