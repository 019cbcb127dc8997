// Features that a browser has and refuses to let this page use, as one does that blocks all cookies.

import { randomText } from '../client/random-text.ts';

export type Feature = 'storage' | 'locks' | 'channels';

/** A browser that answers does so at once. */
const ANSWER_TIMEOUT_MS = 3_000;

/** Tries each feature. One that the browser does not have at all is not refused, but storage and channels are missed. */
export async function refusedFeatures(): Promise<Feature[]> {
  const refused: Feature[] = [];
  if (!succeeds(tryStorage)) refused.push('storage');
  if (!(await locksAnswer())) refused.push('locks');
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

/** True in an insecure context, which has no locks to refuse. */
async function locksAnswer(): Promise<boolean> {
  try {
    const { locks } = navigator;
    if (locks === undefined) return true;
    const timeout = new Promise<false>((resolve) => setTimeout(resolve, ANSWER_TIMEOUT_MS, false));
    const granted = locks.request(`poll-vs-sse probe ${randomText(8)}`, () => true as const);
    return await Promise.race([granted, timeout]);
  } catch {
    return false;
  }
}
