// The public API of the package `poll-vs-sse-client`.

export {
  RoomReader,
  type CreateSource,
  type RoomReaderListener,
  type RoomReaderOptions,
} from './room-reader.ts';
export { BrowserConnections, type BrowserConnectionsOptions } from './browser-connections.ts';
export type { ConnectionFactory, Fetch } from './connection-factory.ts';
export type { Query } from './http.ts';
export type { HttpVersion } from './http-version.ts';
export type { Batch, Message, Reset } from './message.ts';
export { type LifecycleListener, type PageEvents, watchPageLifecycle } from './page-lifecycle.ts';
export { type NewestOptions, readNewest } from './read-newest.ts';
export type { Presence, PresentClient } from './presence.ts';
export type { Exchange, Fallback, Link, RequestContext, Sink, Source } from './sources/source.ts';
export { createSource, type SourceParts } from './sources/create-source.ts';
export { TRANSPORTS, type Transport } from './transport.ts';
