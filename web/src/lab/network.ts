// One lane's network with its chosen fault. All of the lane's requests go through it.
//
// The server simulates `buffer`, `cut`, `slow` and `restart`, requested with `fault=`. `offline` aborts this lane's
// open requests and refuses new ones.

import type { ConnectionFactory, Fetch } from '../client/connection-factory.ts';
import { type Query, buildUrl } from '../client/http.ts';
import type { HttpVersion } from '../client/http-version.ts';
import { randomText } from '../client/random-text.ts';
import type { Transport } from '../client/transport.ts';
import type { OtherOrigin } from './protocol.ts';
import {
  canSilence,
  type Fault,
  DURATION_MS,
  FAULT_STALL_TIMEOUT_S,
  isLasting,
  STALL_TIMEOUT_S,
} from './fault.ts';

export interface NetworkListener {
  /** `until_ms`, by `performance.now()`, is when the fault ends by itself and the network is healthy again. */
  fault?(fault: Fault, until_ms: number | null): void;
  stallTimeout?(seconds: number): void;
}

const REQUEST_TIMEOUT_MS = 5_000;

export class Network implements ConnectionFactory {
  readonly #key = randomText(8);
  readonly #open = new Set<EventSource>();
  readonly #listeners = new Set<NetworkListener>();
  readonly fetch: Fetch;
  readonly #openEventSource: (address: string, init?: EventSourceInit) => EventSource;
  #other: OtherOrigin | null = null;
  #fault: Fault = 'healthy';
  /** The fault after one that ends by itself. */
  #next: Fault = 'healthy';
  /** Whether the next poll must be lost to a restart. */
  #losesNextPoll = false;
  #stallTimeout_s: number;
  #outage = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    stallTimeout_s: number = STALL_TIMEOUT_S.initial,
    fetch: Fetch = (...call) => globalThis.fetch(...call),
    openEventSource: (address: string, init?: EventSourceInit) => EventSource = (...given) =>
      new EventSource(...given),
  ) {
    this.#stallTimeout_s = stallTimeout_s;
    this.fetch = (input, init) => {
      const other = this.#other;
      if (other === null) return fetch(input, init);
      return fetch(new URL(String(input), other.base), { credentials: 'include', ...init });
    };
    this.#openEventSource = openEventSource;
  }

  get fault(): Fault {
    return this.#fault;
  }

  get stallTimeout_ms(): number {
    const isShortened = canSilence(this.#fault) && this.#stallTimeout_s === STALL_TIMEOUT_S.initial;
    return (isShortened ? FAULT_STALL_TIMEOUT_S : this.#stallTimeout_s) * 1_000;
  }

  /** The chosen time-out, which a fault may shorten. */
  get chosenStallTimeout_s(): number {
    return this.#stallTimeout_s;
  }

  get offline(): AbortSignal {
    return this.#outage.signal;
  }

  /** Whether other tabs may share this lane's stream. A chosen fault or origin applies to this lane only. */
  get isShareable(): boolean {
    return this.#other === null && (this.#fault === 'healthy' || this.#fault === 'restart');
  }

  /** The HTTP version of the other origin, if requests go there. */
  get crossOriginVersion(): HttpVersion | undefined {
    return this.#other?.version;
  }

  /** Sends later requests to the server's other origin; null for the page's own. */
  setOrigin(other: OtherOrigin | null): void {
    this.#other = other;
  }

  subscribe(listener: NetworkListener): void {
    this.#listeners.add(listener);
  }

  /** Sets the fault. One that ends by itself restarts if it is chosen again. */
  setFault(fault: Fault): void {
    this.#setFault(fault, 'healthy');
  }

  /** Sets a fault that ends by itself, after which the current one is back. */
  interrupt(fault: Fault): void {
    this.#setFault(fault, isLasting(this.#fault) ? this.#fault : this.#next);
  }

  #setFault(fault: Fault, next: Fault): void {
    clearTimeout(this.#timer);
    this.#next = next;
    if (this.#outage.signal.aborted && fault !== 'offline') this.#outage = new AbortController();
    this.#fault = fault;
    this.#losesNextPoll = fault === 'restart';
    const duration_ms = DURATION_MS[fault];
    if (duration_ms !== undefined) this.#timer = setTimeout(() => this.setFault(next), duration_ms);
    if (fault === 'offline') this.#goOffline();
    const isTold = duration_ms !== undefined && next === 'healthy';
    for (const listener of this.#listeners)
      listener.fault?.(fault, isTold ? performance.now() + duration_ms : null);
  }

  setStallTimeout(seconds: number): void {
    if (
      !(seconds >= STALL_TIMEOUT_S.min && seconds <= STALL_TIMEOUT_S.max) ||
      seconds === this.#stallTimeout_s
    )
      return;
    this.#stallTimeout_s = seconds;
    for (const listener of this.#listeners) listener.stallTimeout?.(seconds);
  }

  /**
   * Parameters of a transport's next request. A poll has no open request that the server could close by its key, so the
   * next poll itself requests the restart and is lost to it.
   */
  query(transport: Transport): Query {
    const fault_key = transport === 'poll' ? null : this.#key;
    switch (this.#fault) {
      case 'healthy':
      case 'offline':
        return { fault: null, fault_key };
      case 'restart': {
        const isLost = transport === 'poll' && this.#losesNextPoll;
        if (!isLost) return { fault: null, fault_key };
        this.#losesNextPoll = false;
        return { fault: 'restart', fault_key: this.#key };
      }
      default:
        return { fault: this.#fault, fault_key };
    }
  }

  /** Asks the server to close all connections of this lane. The request has no label, as it is not part of reading. */
  async disconnect(room: string): Promise<void> {
    const address = buildUrl('poll', { room, fault: 'restart', fault_key: this.#key });
    const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    // The server closes this request's connection too, so there is never a response.
    // Without credentials it uses none of the connections that reading may have used up.
    await this.fetch(address, { cache: 'no-store', credentials: 'omit', signal }).catch(() => null);
  }

  open(address: string): EventSource | null {
    if (this.offline.aborted) return null;
    for (const events of this.#open) if (events.readyState === events.CLOSED) this.#open.delete(events);
    const other = this.#other;
    const events =
      other === null
        ? this.#openEventSource(address)
        : this.#openEventSource(new URL(address, other.base).href, { withCredentials: true });
    this.#open.add(events);
    return events;
  }

  #goOffline(): void {
    this.#outage.abort();
    for (const events of this.#open) {
      events.close();
      // A lost connection fires an error event; `close` does not.
      events.dispatchEvent(new Event('error'));
    }
    this.#open.clear();
  }
}
