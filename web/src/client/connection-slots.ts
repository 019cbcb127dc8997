// Which of this browser's pages may hold a connection open.
//
// Over HTTP/1.1 a browser opens six connections to one origin, for all its tabs together; what is over that waits
// without an error, the loading of a page too. So the tabs share out fewer among them, by Web Locks, and what holds
// none polls. Over HTTP/2 one connection carries everything, and where there are no locks each page is on its own.

/** How many of the six may be held; the rest is for polls, publishing and loading pages. */
export const MAX_SLOTS = 4;

const NAME = 'poll-vs-sse connection';

export interface ConnectionSlot {
  release(): void;
}

const UNLIMITED: ConnectionSlot = { release() {} };

export class ConnectionSlots {
  readonly #locks: LockManager | null;

  constructor(locks: LockManager | null = needsSharing() ? navigator.locks : null) {
    this.#locks = locks;
  }

  /** A permit that is free now, else null. */
  async take(): Promise<ConnectionSlot | null> {
    if (this.#locks === null) return UNLIMITED;
    for (const name of names()) {
      const permit = await held(this.#locks, name, { ifAvailable: true });
      if (permit !== null) return permit;
    }
    return null;
  }

  /** The next permit that becomes free; rejects when it is aborted. */
  async wait(aborted: AbortSignal): Promise<ConnectionSlot> {
    const locks = this.#locks;
    if (locks === null) return UNLIMITED;
    const rest = new AbortController();
    const giveUp = () => rest.abort();
    aborted.addEventListener('abort', giveUp);
    if (aborted.aborted) giveUp();
    let mine: ConnectionSlot | null = null;
    const requests = names().map(async (name) => {
      const permit = await held(locks, name, { signal: rest.signal });
      // Two may become free at once.
      if (permit === null || mine !== null || aborted.aborted) permit?.release();
      else mine = permit;
      if (mine === null) throw new DOMException('no permit', 'AbortError');
      return mine;
    });
    try {
      return await Promise.any(requests);
    } finally {
      aborted.removeEventListener('abort', giveUp);
      rest.abort();
      for (const request of requests) request.catch(() => {});
    }
  }
}

function names(): string[] {
  return Array.from({ length: MAX_SLOTS }, (_, index) => `${NAME} ${index}`);
}

/** Null where it was asked for only if available, and is not. */
function held(locks: LockManager, name: string, options: LockOptions): Promise<ConnectionSlot | null> {
  return new Promise((resolve, reject) => {
    const granted = (lock: Lock | null) => {
      if (lock === null) return resolve(null);
      return new Promise<void>((release) => resolve({ release }));
    };
    locks.request(name, options, granted).catch(reject);
  });
}

function needsSharing(): boolean {
  if (typeof navigator === 'undefined' || navigator.locks === undefined) return false;
  const [page] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
  return page === undefined || !/^h[23]/.test(page.nextHopProtocol);
}
