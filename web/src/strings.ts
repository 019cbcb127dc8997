// Every sentence and word the page shows, in one place, so that another language is another file like this one.

import type { Reset } from './message.ts';
import type { Transport } from './transport.ts';

export const LOCALE = 'en';

export const strings = {
  title: (room: string) => `${room} · poll vs sse`,
  wordmark: { poll: 'poll', vs: 'vs', sse: 'sse' },

  room: 'Room',
  roomRule: '1 to 64 letters (A to Z), digits, hyphens and underscores',
  go: 'Go',
  copyLink: 'Copy link',
  linkCopied: 'Link copied',
  linkIs: 'The link to this room:',

  badRoomTitle: 'No such room',
  quoted: (given: string) => `“${given}”`,
  badRoom:
    'cannot be a room: a room is written with 1 to 64 letters (A to Z), digits, hyphens and underscores.',
  badRoomWayOn: 'Go to the lobby',
  badRoomOther: 'Or go to another room:',

  log: 'Messages',
  emptyTitle: (room: string) => `Nothing has been said in ${room} yet.`,
  emptyHint: 'Open this page in a second window, choose another transport there, and say something.',
  older: (shown: string) => `Only the last ${shown} messages are shown.`,
  gap: {
    expired:
      'Messages may be missing here: the server no longer keeps all that was said since this page last read.',
    unknown: 'Messages may be missing here: the server has begun a new log.',
  } satisfies Record<Reset, string>,
  fromHere: (transport: string) => `from here by ${transport}`,
  unread: (count: string, one: boolean) => `${count} new ${one ? 'message' : 'messages'}`,
  own: 'you',
  seenAfter: (span: string) => `seen after ${span}`,

  name: 'Name',
  message: 'Message',
  send: 'Send',
  needName: 'Write your name first.',
  needText: 'Write something to send first.',
  longName: (limit: string) => `The name is longer than ${limit} characters.`,
  longText: (over: string) => `${over} characters too long.`,
  sendFailed: {
    network: () => 'Not sent: the server could not be reached. The text is still here; send it again.',
    refused: (detail: string | null) => `Not sent: ${detail ?? 'the server refused it without saying why.'}`,
    garbled: () => 'The server’s answer could not be read, so this may or may not have been sent.',
  },
  sending: 'Sending…',
  awaited: {
    poll: 'In the log. This page sees it with its next poll.',
    'long-poll': 'In the log. This page sees it when its long-poll is answered.',
    stream: 'In the log. This page sees it when the stream brings it.',
  } satisfies Record<Transport, string>,

  panel: 'Transport and its cost',

  transport: 'Transport',
  transports: { poll: 'Polling', 'long-poll': 'Long-polling', stream: 'SSE' } satisfies Record<
    Transport,
    string
  >,
  explained: {
    poll: 'Asks again and again. Mostly the answer is that there is nothing new.',
    'long-poll': 'Asks, and the server holds the answer back until there is something to say.',
    stream: 'Asks once. The answer never ends; the server writes each message into it.',
  } satisfies Record<Transport, string>,
  interval: 'Polling interval',
  seconds: (value: string) => `${value} s`,
  secondsSpoken: (value: string, one: boolean) => `${value} ${one ? 'second' : 'seconds'}`,

  connecting: 'Connecting…',
  live: {
    poll: (seconds: string) => `Polling every ${seconds}`,
    'long-poll': () => 'Long-polling',
    stream: () => 'Streaming over SSE',
  } satisfies Record<Transport, (seconds: string) => string>,
  reconnecting: 'Reconnecting…',
  reconnectingWhy: {
    network: () => null,
    refused: (detail: string | null) => detail ?? 'The server refuses at the moment.',
    garbled: () => 'The server sends what this page does not understand; reloading it may help.',
  },

  cost: 'Cost',
  costSummary: (requests: string, one: boolean, bytes: string) =>
    `${requests} ${one ? 'request' : 'requests'} · ${bytes} bytes`,
  costRows: {
    requests: 'Requests',
    empty: 'Empty answers',
    messages: 'Messages',
    wire_bytes: 'Wire bytes',
  },
  costOf: 'What reading has cost this page',
  countedFor: 'Counted by the server for client',
  countedSince: (time: string) => `since ${time}.`,
  notYet: 'as soon as it has seen it.',
  noFigures: 'The server does not answer; these are its last figures.',
  rawFigures: 'Raw figures',
};
