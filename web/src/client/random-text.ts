// Random labels and keys.

const LETTERS = 'abcdefghijkmnpqrstuvwxyz23456789';

/** Letters and digits that are hard to confuse. Unlike `randomUUID`, it works in an insecure context. */
export function randomText(length: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(length));
  // 32 letters divide 256 evenly, so each is equally likely.
  return Array.from(bytes, (byte) => LETTERS[byte % LETTERS.length]).join('');
}
