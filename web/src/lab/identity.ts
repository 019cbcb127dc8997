// Who this page is: a random label for the server's ledger, keys for publishing, and the remembered name.

const LETTERS = 'abcdefghijkmnpqrstuvwxyz23456789';
const NAME_KEY = 'poll-vs-sse.name';

/** A label for the ledger, new at each page load. */
export function clientLabel(): string {
  return randomText(10);
}

/** A key that makes publishing the same message twice harmless. Works without a secure context too. */
export function idempotencyKey(): string {
  return randomText(26);
}

export function randomText(length: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(length));
  // 32 letters divide 256 evenly, so each is as likely as any other.
  return Array.from(bytes, (byte) => LETTERS[byte % LETTERS.length]).join('');
}

/** Storage may be switched off or full; then the name is simply not remembered. */
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
