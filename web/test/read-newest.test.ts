// Reading the newest messages of a room once.

import { describe, expect, it } from 'vitest';
import { readNewest } from '../src/client/index.ts';

const MESSAGE = {
  id: 7,
  cursor: 'k-7',
  room: 'a b',
  author: 'mina',
  text: 'hello',
  sent_at: '2026-11-29T12:00:00Z',
};

function answering(status: number, body: string): { asked: string[]; fetch: typeof fetch } {
  const asked: string[] = [];
  const answer: typeof fetch = (address) => {
    asked.push(String(address));
    return Promise.resolve(new Response(body, { status }));
  };
  return { asked, fetch: answer };
}

describe('the newest messages', () => {
  it('come with a cursor, and are requested without a label', async () => {
    const body = JSON.stringify({ messages: [MESSAGE], cursor: 'k-7', more: false, reset: null });
    const { asked, fetch } = answering(200, body);
    const batch = await readNewest({ url: 'http://chat.example/a', room: 'a b', last: 3, fetch });
    expect(batch?.messages.map((message) => message.text)).toEqual(['hello']);
    expect(batch?.cursor).toBe('k-7');
    expect(asked).toEqual(['http://chat.example/a/poll?room=a+b&last=3']);
  });

  it('are null after a refusal, an invalid response or a network failure', async () => {
    for (const [status, body] of [
      [401, '{}'],
      [200, '{"messages":'],
      [200, '{"messages":7}'],
    ] as const) {
      expect(await readNewest({ room: 'lobby', fetch: answering(status, body).fetch })).toBeNull();
    }
    const away = () => Promise.reject(new TypeError('network'));
    expect(await readNewest({ room: 'lobby', fetch: away })).toBeNull();
  });
});
