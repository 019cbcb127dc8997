// Issues tokens that a server with `--jwt-secret-file` accepts.

import { createHmac } from 'node:crypto';

export const SECRET = 'a secret of more than thirty-two bytes';
/** The server accepts a token for this long after its expiry (`docs/operations.md`). */
const LEEWAY_S = 30;

/** A token for the lobby that is accepted for `seconds` from now. */
export function token(seconds) {
  const exp = Math.floor(Date.now() / 1_000) + seconds - LEEWAY_S;
  const parts = [
    { alg: 'HS256', typ: 'JWT' },
    { sub: 'mina', exp, rooms: { read: ['lobby'], publish: ['lobby'] } },
  ];
  const message = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${message}.${createHmac('sha256', SECRET).update(message).digest('base64url')}`;
}
