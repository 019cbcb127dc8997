// English: the sequence diagram and the plots.

import type { Transport } from '../../client/transport.ts';
import type { RowStyle } from '../../lab/diagram/rows.ts';

const pluralize = (count: string, one: boolean, thing: string) => `${count} ${thing}${one ? '' : 's'}`;

export const pictures = {
  diagram: {
    title: 'Sequence diagram',
    explained:
      'Each arrow is a request, an answer or a push that the server really saw, at the server’s time on its lifeline; a band is many pushes in a row. The slope only separates the arrows; it is no time. A ring is a message entering the log, and the bar below it how long it waited to be seen. Time runs downwards; now is at the bottom.',
    of: (transport: string) => `Sequence diagram, ${transport}: browser on the left, server on the right`,
    browser: 'Browser',
    server: 'Server',
    secondsUnit: ' s',
    window: 'Last',
    seconds: (value: string) => `${value} s`,
    minutes: (value: string) => `${value} min`,
    pause: 'Pause',
    resume: 'Resume',
    showList: 'Show as list',
    hideList: 'Hide list',
    list: 'Events',
    listShort: (shown: string) => `The newest ${shown} events.`,
    nothing: 'No request has been seen yet.',
    refused: 'The server refuses to give its trace at the moment; this page asks again later.',
    newConnection: 'New connection for each poll',
    newConnectionExplained:
      'As before keep-alive: each poll pays for opening a TCP connection and closing it again.',
    newConnectionHttp2:
      'Over HTTP/2 all requests share one connection, so a poll cannot have one of its own.',
    newConnectionStream: 'Makes a difference with Polling and Long-polling only.',
    looks: {
      opened: 'Connection opened',
      reconnected: 'Reconnected by itself',
      closed: 'Connection closed',
      request: 'Request',
      empty: 'Empty answer',
      messages: 'Answer',
      refused: 'Refusal',
      head: 'Stream begins',
      push: 'Pushed',
      'keep-alive': 'Keep-alive',
      reset: 'Reset',
      presence: 'Presence',
      other: 'Something pushed',
      published: 'Published',
      lost: 'Events not kept',
      begun: 'Trace began again',
    } satisfies Record<RowStyle, string>,
    /** Labels on arrows. */
    short: {
      empty: 'no',
      reconnected: 'reconnected',
      closed: 'closed',
      'keep-alive': 'keep-alive',
      reset: 'reset',
      presence: 'presence',
      refused: 'refused',
      head: 'stream begins',
      lost: 'some events here were not kept',
      begun: 'the server’s trace begins again here',
    } as Partial<Record<RowStyle, string>>,
    /** Labels on requests. */
    asks: {
      poll: 'anything new?',
      'long-poll': 'anything new? I wait',
      stream: 'tell me what comes',
    } satisfies Record<Transport, string>,
    /** The same for a narrow diagram. */
    asksBriefly: {
      poll: ['new?'],
      'long-poll': ['new? I wait', 'new?'],
      stream: ['tell me'],
    } satisfies Record<Transport, string[]>,
    beginsBriefly: 'begins',
    pushes: (count: string) => `${count} pushes`,
    seenAfter: (span: string) => `seen after ${span}`,
    messages: (count: string, one: boolean) => pluralize(count, one, 'message'),
    bytes: (count: string, one: boolean) => pluralize(count, one, 'byte'),
    connection: (number: number) => `connection ${number}`,
    status: (status: number) => `status ${status}`,
    times: (count: string) => `${count} times`,
    until: (from: string, to: string) => `${from} to ${to}`,
    after: {
      /** An answer, after its request. */
      answer: (span: string) => `after ${span}`,
      /** A push, after the stream last wrote. */
      push: (span: string) => `after ${span} without any`,
      /** A request, after nothing was asked. */
      request: (span: string) => `after ${span} idle`,
      /** A stream that came back. */
      opened: (span: string) => `after ${span} without a connection`,
      /** A connection that closed. */
      closed: (span: string) => `open for ${span}`,
    },
    /** Labels between two arrows. */
    gap: {
      request: (span: string) => `idle ${span}`,
      answer: (span: string) => `held ${span}`,
      push: (span: string) => `quiet ${span}`,
      opened: (span: string) => `no connection ${span}`,
    },
    key: 'Key',
    keys: {
      request: 'request',
      messages: 'answer with messages',
      empty: 'empty answer, “no”',
      wait: 'how long a message waited to be seen',
      push: 'messages pushed',
      small: 'keep-alive, presence or reset',
      opened: 'connection opened',
      closed: 'connection closed',
      held: 'the server holds a request',
      open: 'a connection is open',
      published: 'a message entered the log',
    },
  },

  plots: {
    title: 'Over time',
    explained:
      'What the server counted for each lane, second by second, and how long its messages took. A tick at the bottom is a second in which messages were published.',
    window: 'Last',
    minutes: (value: number) => `${value} min`,
    measures: {
      requests: 'Requests per second',
      wire_bytes: 'Wire bytes per second',
      delay_ms: 'Delay',
    },
    seconds: (value: string) => `${value} s`,
    milliseconds: (value: string) => `${value} ms`,
    rested: 'Paused: tab hidden',
    restedFrom: (from: string, to: string) => `Paused from ${from} to ${to}, while this tab was hidden.`,
    published: (count: string, one: boolean) =>
      `${pluralize(count, one, 'message')} ${one ? 'was' : 'were'} published.`,
    total: (lane: string, requests: string, one: boolean, bytes: string) =>
      `${lane}: ${pluralize(requests, one, 'request')}, ${bytes} bytes`,
    /** A line of a transport that the lane no longer uses. */
    ofLane: (transport: string, lane: string) => `${transport} (lane now ${lane})`,
    median: (delay: string) => `, median delay ${delay}`,
    chart: (measure: string) => `${measure}: the figures are in the text below the plots`,
  },
};
