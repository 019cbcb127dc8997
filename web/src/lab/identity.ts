// The user's remembered name, and keys for publishing.

import { randomText } from '../client/random-text.ts';

const NAME_KEY = 'poll-vs-sse.name';

/** A key by which the server recognizes a repeated publish. Works in an insecure context too. */
export function createIdempotencyKey(): string {
  return randomText(26);
}

/** Empty if storage is disabled. */
export function loadName(): string {
  try {
    return localStorage.getItem(NAME_KEY) ?? '';
  } catch {
    return '';
  }
}

export function saveName(name: string): void {
  try {
    localStorage.setItem(NAME_KEY, name);
  } catch {
    // The name is just not remembered.
  }
}
