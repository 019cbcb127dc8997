// Fakes of the browser's event sources, locks and channels, controlled by the tests.

import type { Fetch } from '../src/client/connection-factory.ts';
import type { ConnectionFactory } from '../src/client/connection-factory.ts';

export class FakeEventSource extends EventTarget {
  readonly CLOSED = 2;
  readyState = 0;
  readonly url: URL;

  constructor(address: string) {
    super();
    this.url = new URL(address, 'http://test/');
  }

  close(): void {
    this.readyState = 2;
  }

  emitOpen(): void {
    this.readyState = 1;
    this.dispatchEvent(new Event('open'));
  }

  /** As after a lost connection, after which the browser reconnects by itself. */
  emitLost(): void {
    this.readyState = 0;
    this.dispatchEvent(new Event('error'));
  }

  /** As after a status other than 200, after which the browser gives up. */
  emitClosed(): void {
    this.readyState = 2;
    this.dispatchEvent(new Event('error'));
  }

  emitMessage(data: unknown, type = 'message'): void {
    this.dispatchEvent(
      new MessageEvent(type, { data: typeof data === 'string' ? data : JSON.stringify(data) }),
    );
  }

  emitKeepAlive(): void {
    this.emitMessage('', 'keep-alive');
  }
}

/** A network that records opened streams. */
export class FakeNetwork implements ConnectionFactory {
  readonly opened: FakeEventSource[] = [];
  readonly fetch: Fetch;
  readonly stallTimeout_ms: number;
  outage = new AbortController();

  constructor(fetch: Fetch = () => Promise.reject(new TypeError('no fetch')), stallTimeout_ms = 45_000) {
    this.fetch = fetch;
    this.stallTimeout_ms = stallTimeout_ms;
  }

  get offline(): AbortSignal {
    return this.outage.signal;
  }

  open(address: string): EventSource | null {
    if (this.offline.aborted) return null;
    const events = new FakeEventSource(address);
    this.opened.push(events);
    return events as unknown as EventSource;
  }

  get newest(): FakeEventSource {
    const last = this.opened.at(-1);
    if (last === undefined) throw new Error('nothing was opened');
    return last;
  }
}

interface FakeLockRequest {
  grant: (lock: Lock | null) => void;
  fail: (why: unknown) => void;
}

/** The locks of one browser. `crash` releases a lock, as when its tab crashes. */
export class FakeLocks {
  readonly #held = new Map<string, FakeLockRequest>();
  readonly #waiting = new Map<string, FakeLockRequest[]>();

  request(
    name: string,
    options: LockOptions,
    callback: (lock: Lock | null) => Promise<unknown> | undefined,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const mine: FakeLockRequest = {
        grant: (lock) => {
          Promise.resolve(callback(lock)).then(
            (value) => {
              if (this.#held.get(name) === mine) this.#pass(name);
              resolve(value);
            },
            (why: unknown) => reject(why),
          );
        },
        fail: reject,
      };
      const lock = { name, mode: 'exclusive' } as Lock;
      queueMicrotask(() => {
        if (options.signal?.aborted === true) return reject(new DOMException('aborted', 'AbortError'));
        const holder = this.#held.get(name);
        if (holder === undefined || options.steal === true) {
          this.#held.set(name, mine);
          holder?.fail(new DOMException('stolen', 'AbortError'));
          mine.grant(lock);
        } else if (options.ifAvailable === true) {
          mine.grant(null);
        } else {
          const queue = this.#waiting.get(name) ?? [];
          this.#waiting.set(name, [...queue, mine]);
          options.signal?.addEventListener('abort', () => {
            const rest = this.#waiting.get(name) ?? [];
            if (!rest.includes(mine)) return;
            this.#waiting.set(
              name,
              rest.filter((other) => other !== mine),
            );
            reject(new DOMException('aborted', 'AbortError'));
          });
        }
      });
    });
  }

  query(): Promise<LockManagerSnapshot> {
    const pending = [...this.#waiting].flatMap(([name, queue]) => queue.map(() => ({ name })));
    return Promise.resolve({ held: [...this.#held.keys()].map((name) => ({ name })), pending });
  }

  crash(name: string): void {
    this.#pass(name);
  }

  get names(): string[] {
    return [...this.#held.keys()];
  }

  get manager(): LockManager {
    return this as unknown as LockManager;
  }

  #pass(name: string): void {
    this.#held.delete(name);
    const [next, ...rest] = this.#waiting.get(name) ?? [];
    this.#waiting.set(name, rest);
    if (next === undefined) return;
    this.#held.set(name, next);
    next.grant({ name, mode: 'exclusive' });
  }
}

/** The channels of one browser. Messages arrive asynchronously and in order at all other channels of the same name. */
export class FakeChannels {
  readonly #open = new Set<{ name: string; onmessage: ((event: MessageEvent) => void) | null }>();

  readonly open = (name: string): BroadcastChannel => {
    const all = this.#open;
    const channel = {
      name,
      onmessage: null as ((event: MessageEvent) => void) | null,
      postMessage(data: unknown) {
        const copy = structuredClone(data);
        for (const other of all) {
          if (other === channel || other.name !== name) continue;
          queueMicrotask(() => {
            if (all.has(other)) other.onmessage?.(new MessageEvent('message', { data: copy }));
          });
        }
      },
      close() {
        all.delete(channel);
      },
    };
    all.add(channel);
    return channel as unknown as BroadcastChannel;
  };
}

/** As in a browser that does not let the site store anything. */
export const refusingLocks = {
  request: () => Promise.reject(new DOMException('refused', 'SecurityError')),
  query: () => Promise.reject(new DOMException('refused', 'SecurityError')),
} as unknown as LockManager;

export const throwingLocks = {
  request: () => {
    throw new DOMException('refused', 'SecurityError');
  },
  query: () => {
    throw new DOMException('refused', 'SecurityError');
  },
} as unknown as LockManager;

export const silentLocks = {
  request: () => new Promise(() => {}),
  query: () => new Promise(() => {}),
} as unknown as LockManager;
