// What the browser offers for sharing connections among its tabs.
//
// Each part may be missing, and each may refuse at any time: where a site may store nothing, Web Locks reject with a
// SecurityError. A page that is refused reads on its own.

export interface BrowserApis {
  readonly locks: LockManager | null;
  /** Opens a channel between tabs. May throw. */
  readonly channel: ((name: string) => BroadcastChannel) | null;
}

export function browserApis(): BrowserApis {
  return {
    locks: webLocks(),
    channel: typeof BroadcastChannel === 'undefined' ? null : (name) => new BroadcastChannel(name),
  };
}

/** Null in an insecure context too. */
export function webLocks(): LockManager | null {
  try {
    return globalThis.navigator?.locks ?? null;
  } catch {
    return null;
  }
}

export function isPageHidden(): boolean {
  return globalThis.document?.hidden === true;
}

/** Whether a lock request ended because it was given up or the lock was stolen, rather than refused. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}
