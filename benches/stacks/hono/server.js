// Hono on Node.js: the message log over polling, long-polling and Server-Sent Events.
// A stream is a loop in `streamSSE` that waits for the next message.
import { EventEmitter, once } from 'node:events';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { streamSSE } from 'hono/streaming';

const KEPT_MESSAGES = 10_000;
const PAGE = 200;
const KEEP_ALIVE_MS = 15_000;

/** One room's messages, oldest first. A cursor is the id of the last message that was read. */
class Room extends EventEmitter {
  #messages = [];
  head = 0;

  constructor() {
    super();
    this.setMaxListeners(0);
  }

  append({ room, author, text }) {
    const id = ++this.head;
    const message = { id, cursor: String(id), room, author, text, sent_at: new Date().toISOString() };
    this.#messages.push(message);
    if (this.#messages.length > KEPT_MESSAGES) this.#messages.shift();
    this.emit('message');
    return message;
  }

  after(cursor) {
    const oldest = this.head - this.#messages.length;
    return this.#messages.slice(Math.max(cursor - oldest, 0));
  }
}

const rooms = new Map();

function roomNamed(name = 'lobby') {
  if (!rooms.has(name)) rooms.set(name, new Room());
  return rooms.get(name);
}

/** The reader's first cursor: Last-Event-ID, else `cursor`, else `last` messages before the end. */
function startOf(request, room) {
  const given = request.header('Last-Event-ID') ?? request.query('cursor');
  const start = given === undefined ? Math.max(room.head - Number(request.query('last') ?? 50), 0) : Number(given);
  if (!Number.isSafeInteger(start) || start < 0) throw new HTTPException(400, { message: 'no cursor' });
  return start;
}

const app = new Hono();

app.post('/messages', async (c) => {
  const body = await c.req.json().catch(() => {
    throw new HTTPException(400, { message: 'no JSON' });
  });
  const { room = 'lobby', author, text } = body ?? {};
  if (![room, author, text].every((field) => typeof field === 'string' && field)) {
    return c.json({ detail: 'room, author and text are texts' }, 422);
  }
  return c.json(roomNamed(room).append({ room, author, text }), 201);
});

app.get('/poll', async (c) => {
  const room = roomNamed(c.req.query('room'));
  const cursor = startOf(c.req, room);
  const wait_ms = Math.min(Number(c.req.query('wait')) || 0, 60) * 1000;
  if (wait_ms > 0 && room.after(cursor).length === 0) {
    const signal = AbortSignal.any([c.req.raw.signal, AbortSignal.timeout(wait_ms)]);
    await once(room, 'message', { signal }).catch(() => {});
  }
  const found = room.after(cursor);
  const messages = found.slice(0, PAGE);
  c.header('Cache-Control', 'no-store');
  return c.json({
    messages,
    cursor: messages.at(-1)?.cursor ?? String(cursor),
    more: found.length > PAGE,
    reset: null,
  });
});

app.get('/stream', (c) => {
  const room = roomNamed(c.req.query('room'));
  let cursor = startOf(c.req, room);
  c.header('X-Accel-Buffering', 'no');
  return streamSSE(c, async (stream) => {
    const gone = new AbortController();
    const keepAlive = setInterval(() => stream.write(': keep-alive\n\n'), KEEP_ALIVE_MS);
    stream.onAbort(() => {
      clearInterval(keepAlive);
      gone.abort();
    });
    await stream.write('retry: 1000\n\n');
    while (!stream.aborted) {
      const messages = room.after(cursor);
      for (const message of messages) {
        await stream.writeSSE({ id: message.cursor, data: JSON.stringify(message) });
        cursor = message.id;
      }
      if (messages.length === 0) await once(room, 'message', { signal: gone.signal }).catch(() => {});
    }
  });
});

const server = serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 3000), hostname: '127.0.0.1' });
process.on('SIGTERM', () => server.close(() => process.exit(0)));
