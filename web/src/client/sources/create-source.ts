// The source for each transport, over one lane's network and with what this browser's tabs share.

import { browserApis } from '../browser-apis.ts';
import { ConnectionSlots } from '../connection-slots.ts';
import type { ConnectionFactory } from '../connection-factory.ts';
import { reportFollowers } from '../presence.ts';
import { SharedStream } from '../sharing/shared-stream.ts';

import { LONG_POLL_WAIT_S, type Transport } from '../transport.ts';
import { SlotLimitedSource } from './slot-limited-source.ts';
import { Polling } from './polling.ts';
import type { Reader, Sink, Source } from './source.ts';
import { StreamWithFallback } from './stream-with-fallback.ts';

export interface SourceParts {
  reader: Reader;
  sink: Sink;
  network: ConnectionFactory;
  interval_ms: () => number;
  /** The id of the newest message the lane has. */
  newest: () => number;
  /** Which lane of its page this is: only the same lanes of two pages share a stream. Null: it shares none. */
  slot: string | null;
  /** Has the server close the connection that this source's stream uses. */
  disconnect: () => void;
}

export function createSource(transport: Transport, parts: SourceParts): Source {
  const { reader, sink, network, interval_ms, newest, slot, disconnect } = parts;
  const connections = new ConnectionSlots();
  const polls = (to: Sink) => new Polling({ ...reader, network, sink: to, interval_ms, wait_s: 0 });
  if (transport === 'poll') return polls(sink);

  const holding = (to: Sink, source: Source) =>
    new SlotLimitedSource({ sink: to, connections, source, polls });
  if (transport === 'long-poll') {
    return holding(sink, new Polling({ ...reader, network, sink, interval_ms, wait_s: LONG_POLL_WAIT_S }));
  }
  const stream = (to: Sink) =>
    holding(to, new StreamWithFallback({ ...reader, network, sink: to, interval_ms }));
  const apis = browserApis();
  if (slot === null || apis.locks === null || apis.channel === null) return stream(sink);
  return new SharedStream({
    ...reader,
    sink,
    network,
    browserApis: apis,
    name: `poll-vs-sse/2 ${new URL('.', location.href).pathname} ${reader.room} ${slot}`,
    stream,
    newest,
    restart: disconnect,
    report: (followers) => void reportFollowers(network.fetch, reader, followers),
  });
}
