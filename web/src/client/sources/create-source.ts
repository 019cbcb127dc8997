// Creates the source of each transport, with its wrappers: a connection slot, polls as a fallback, sharing among tabs.

import { getBrowserApis } from '../browser-apis.ts';
import { ConnectionSlots } from '../connection-slots.ts';
import type { ConnectionFactory } from '../connection-factory.ts';
import { reportFollowers } from '../presence.ts';
import { toBaseUrl } from '../http.ts';
import { isHttp1 } from '../http-version.ts';
import { SharedStream } from '../sharing/shared-stream.ts';
import type { Transport } from '../transport.ts';
import { SlotLimitedSource } from './slot-limited-source.ts';
import { Polling } from './polling.ts';
import type { RequestContext, Sink, Source } from './source.ts';
import { StreamWithFallback } from './stream-with-fallback.ts';

export interface SourceParts {
  request: RequestContext;
  sink: Sink;
  connections: ConnectionFactory;
  interval_ms: () => number;
  longPollWait_s: number;
  /** The id of the newest message that was read; 0 before the first. */
  newest: () => number;
  /** Sources with the same key share a stream across tabs. Null shares none. */
  shareKey: string | null;
  /** Asks the server to close the connection of this source's stream. */
  disconnect: () => void;
}

export function createSource(transport: Transport, parts: SourceParts): Source {
  const { request, sink, connections, interval_ms, longPollWait_s, newest, shareKey, disconnect } = parts;
  const slots = new ConnectionSlots(undefined, connections.crossOriginVersion);
  const createPolls = (to: Sink) =>
    new Polling({ ...request, connections, sink: to, interval_ms, wait_s: 0 });
  if (transport === 'poll') return createPolls(sink);

  const limitSlots = (to: Sink, source: Source) =>
    new SlotLimitedSource({ sink: to, slots, source, createPolls });
  if (transport === 'long-poll') {
    return limitSlots(
      sink,
      new Polling({ ...request, connections, sink, interval_ms, wait_s: longPollWait_s }),
    );
  }
  // A tab that asks for presence cannot use a stream without it.
  const key = request.query?.()['presence'] === 1 ? `${shareKey} presence` : shareKey;
  const createStream = (to: Sink) =>
    limitSlots(to, new StreamWithFallback({ ...request, connections, sink: to, interval_ms }));
  const apis = getBrowserApis();
  // Over HTTP/2 a tab's stream does not take a connection from the others.
  if (shareKey === null || !isHttp1() || apis.locks === null || apis.channel === null)
    return createStream(sink);
  return new SharedStream({
    ...request,
    sink,
    connections,
    browserApis: apis,
    name: `poll-vs-sse/2 ${request.url ?? toBaseUrl('.')} ${request.room} ${key}`,
    createStream,
    newest,
    disconnect,
    report: (followers) => void reportFollowers(connections.fetch, request, followers),
  });
}
