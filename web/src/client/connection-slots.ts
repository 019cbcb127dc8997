// Limits how many connections the pages of one browser hold open.
//
// Over HTTP/1.1 a browser opens six connections to one origin, for all its tabs together. Any further request waits
// without an error, even the loading of a page. So the tabs share a smaller number of slots, one Web Lock each, and a
// source without a slot polls. Over HTTP/2 one connection carries a hundred streams, which are shared in the same way.
// If the browser has no locks or refuses them, slots are unlimited.

import { isAbort, getWebLocks } from './browser-apis.ts';
import { type HttpVersion, isHttp1 } from './http-version.ts';

/** Of the six connections; the others are left for polls, publishing and loading pages. */
export const MAX_SLOTS = 4;
/** Of the hundred streams that servers allow on an HTTP/2 connection. */
const MAX_STREAM_SLOTS = 96;

const LOCK_NAME = 'poll-vs-sse connection';
/** A free lock is granted at once, so a browser that takes longer than this never answers. */
const LOCK_TIMEOUT_MS = 3_000;

export interface ConnectionSlot {
  release(): void;
}

const UNLIMITED: ConnectionSlot = { release() {} };

export class ConnectionSlots {
  #locks: LockManager | null;
  readonly #names: readonly string[];

  /** For connections to the page's own origin, or over the version `crossOriginVersion` to another origin. */
  constructor(locks: LockManager | null = getWebLocks(), crossOriginVersion?: HttpVersion) {
    const slots = isHttp1(crossOriginVersion) ? MAX_SLOTS : MAX_STREAM_SLOTS;
    const name = crossOriginVersion === undefined ? LOCK_NAME : `${LOCK_NAME} over ${crossOriginVersion}`;
    this.#locks = locks;
    this.#names = Array.from({ length: slots }, (_, index) => `${name} ${index}`);
  }

  /** A slot that is free now, else null. */
  async take(): Promise<ConnectionSlot | null> {
    for (const name of this.#names) {
      const locks = this.#locks;
      if (locks === null) return UNLIMITED;
      try {
        const slot = await withTimeout(requestSlot(locks, name, { ifAvailable: true }));
        if (slot !== null) return slot;
      } catch {
        this.#locks = null;
      }
    }
    return this.#locks === null ? UNLIMITED : null;
  }

  /** The next slot that becomes free; rejects if `aborted` is aborted. */
  async wait(aborted: AbortSignal): Promise<ConnectionSlot> {
    const locks = this.#locks;
    if (locks === null) return UNLIMITED;
    const others = new AbortController();
    const giveUp = () => others.abort();
    aborted.addEventListener('abort', giveUp);
    if (aborted.aborted) giveUp();
    let mine: ConnectionSlot | null = null;
    const requests = this.#names.map(async (name) => {
      const slot = await requestSlot(locks, name, { signal: others.signal });
      // Two slots may become free at once.
      if (slot === null || mine !== null || aborted.aborted) slot?.release();
      else mine = slot;
      if (mine === null) throw new DOMException('no slot', 'AbortError');
      return mine;
    });
    try {
      return await Promise.any(requests);
    } catch (error) {
      if (aborted.aborted || !isRefusal(error)) throw error;
      this.#locks = null;
      return UNLIMITED;
    } finally {
      aborted.removeEventListener('abort', giveUp);
      others.abort();
      for (const request of requests) request.catch(() => {});
    }
  }
}

/** Null if the lock is taken and `options` has `ifAvailable`. */
function requestSlot(locks: LockManager, name: string, options: LockOptions): Promise<ConnectionSlot | null> {
  return new Promise((resolve, reject) => {
    const granted = (lock: Lock | null) => {
      if (lock === null) return resolve(null);
      return new Promise<void>((release) => resolve({ release }));
    };
    // A browser that refuses may throw instead of rejecting; the promise rejects in both cases.
    locks.request(name, options, granted).catch(reject);
  });
}

/** Rejects after a time-out. A slot granted later is released at once. */
function withTimeout(slot: Promise<ConnectionSlot | null>): Promise<ConnectionSlot | null> {
  return new Promise((resolve, reject) => {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      reject(new Error('Web Locks do not answer'));
    }, LOCK_TIMEOUT_MS);
    slot.then(
      (it) => {
        clearTimeout(timer);
        if (isLate) it?.release();
        else resolve(it);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}

function isRefusal(error: unknown): boolean {
  const errors: unknown[] = error instanceof AggregateError ? error.errors : [error];
  return errors.some((each) => !isAbort(each));
}
