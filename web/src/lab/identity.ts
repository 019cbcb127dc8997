// The page's user: keys for publishing, and the remembered name.

import { randomText } from '../client/random-text.ts';

const NAME_KEY = 'poll-vs-sse.name';

/** A key that makes publishing the same message twice harmless. Works without a secure context too. */
export function idempotencyKey(): string {
  return randomText(26);
}

/** Empty if storage is switched off. */
export function rememberedName(): string {
  try {
    return localStorage.getItem(NAME_KEY) ?? '';
  } catch {
    return '';
  }
}

export function rememberName(name: string): void {
  try {
    localStorage.setItem(NAME_KEY, name);
  } catch {
    // Nothing depends on it.
  }
}
