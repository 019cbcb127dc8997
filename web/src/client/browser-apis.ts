// The browser's APIs for sharing connections among tabs.
//
// Each may be missing and may refuse at any time: if a site may not store anything, Web Locks reject with a
// SecurityError. The page then reads on its own.

export interface BrowserApis {
  readonly locks: LockManager | null;
  /** Opens a channel between tabs. May throw. */
  readonly channel: ((name: string) => BroadcastChannel) | null;
}

export function getBrowserApis(): BrowserApis {
  return {
    locks: getWebLocks(),
    channel: typeof BroadcastChannel === 'undefined' ? null : (name) => new BroadcastChannel(name),
  };
}

/** Null in an insecure context too. */
export function getWebLocks(): LockManager | null {
  try {
    return globalThis.navigator?.locks ?? null;
  } catch {
    return null;
  }
}

export function isPageHidden(): boolean {
  return globalThis.document?.hidden === true;
}

/** Whether a lock request ended because it was aborted or the lock was stolen, and not because it was refused. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}
