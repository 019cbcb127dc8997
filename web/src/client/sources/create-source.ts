// The source for each transport, over one lane's network and with what this browser's tabs share.

import { Connections } from '../connection-slots.ts';
import type { Network } from '../../lab/network.ts';
import { tellAlong } from '../presence.ts';
import { SharedStream } from '../sharing/shared-stream.ts';
import { means } from '../sharing/tabs.ts';
import { LONG_POLL_WAIT_S, type Transport } from '../transport.ts';
import { Permitted } from './slot-limited-source.ts';
import { Polling } from './polling.ts';
import type { Reader, Sink, Source } from './source.ts';
import { SteadyStream } from './stream-with-fallback.ts';

export interface Parts {
  reader: Reader;
  sink: Sink;
  network: Network;
  interval_ms: () => number;
  /** The id of the newest message the lane has. */
  newest: () => number;
  /** Which lane of its page this is: only the same lanes of two pages share a stream. Null: it shares none. */
  slot: string | null;
}

export function makeSource(transport: Transport, parts: Parts): Source {
  const { reader, sink, network, interval_ms, newest, slot } = parts;
  const connections = new Connections();
  const polls = (to: Sink) => new Polling({ ...reader, network, sink: to, interval_ms, wait_s: 0 });
  if (transport === 'poll') return polls(sink);

  const holding = (to: Sink, source: Source) => new Permitted({ sink: to, connections, source, polls });
  if (transport === 'long-poll') {
    return holding(sink, new Polling({ ...reader, network, sink, interval_ms, wait_s: LONG_POLL_WAIT_S }));
  }
  const stream = (to: Sink) => holding(to, new SteadyStream({ ...reader, network, sink: to, interval_ms }));
  const tabs = means();
  if (slot === null || tabs === null || !network.isShareable) return stream(sink);
  return new SharedStream({
    ...reader,
    sink,
    network,
    means: tabs,
    name: `poll-vs-sse ${new URL('.', location.href).pathname} ${reader.room} ${slot}`,
    stream,
    newest,
    restart: () => void network.sever(reader.room),
    report: (followers) => void tellAlong(network.fetch, reader, followers),
  });
}
