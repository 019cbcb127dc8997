// Detects features that the browser has but does not let this page use, for example if it blocks all cookies.

import { randomText } from '../client/random-text.ts';

export type Feature = 'storage' | 'locks' | 'channels';

/** A browser grants a free lock at once or never. */
const RESPONSE_TIMEOUT_MS = 3_000;

/** Tries each feature. Missing Web Locks do not count as refused; missing storage or channels do. */
export async function findRefusedFeatures(): Promise<Feature[]> {
  const refused: Feature[] = [];
  if (!succeeds(tryStorage)) refused.push('storage');
  if (!(await canUseLocks())) refused.push('locks');
  if (!succeeds(tryChannel)) refused.push('channels');
  return refused;
}

function succeeds(attempt: () => void): boolean {
  try {
    attempt();
    return true;
  } catch {
    return false;
  }
}

function tryStorage(): void {
  const key = 'poll-vs-sse.probe';
  localStorage.setItem(key, '');
  localStorage.removeItem(key);
}

function tryChannel(): void {
  new BroadcastChannel('poll-vs-sse.probe').close();
}

/** True in an insecure context, which has no Web Locks. */
async function canUseLocks(): Promise<boolean> {
  try {
    const { locks } = navigator;
    if (locks === undefined) return true;
    const timeout = new Promise<false>((resolve) => setTimeout(resolve, RESPONSE_TIMEOUT_MS, false));
    const granted = locks.request(`poll-vs-sse probe ${randomText(8)}`, () => true as const);
    return await Promise.race([granted, timeout]);
  } catch {
    return false;
  }
}
