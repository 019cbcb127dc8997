// Express: the message log over polling, long-polling and Server-Sent Events.
// A stream is `res.write`, held back while the client's buffer is full (`drain`).
import { EventEmitter, once } from 'node:events';
import express from 'express';

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
  const given = request.get('Last-Event-ID') ?? request.query.cursor;
  const start = given === undefined ? Math.max(room.head - Number(request.query.last ?? 50), 0) : Number(given);
  if (!Number.isSafeInteger(start) || start < 0) throw Object.assign(new Error('no cursor'), { status: 400 });
  return start;
}

const app = express();

app.post('/messages', express.json(), (request, response) => {
  const { room = 'lobby', author, text } = request.body ?? {};
  if (![room, author, text].every((field) => typeof field === 'string' && field)) {
    return response.status(422).json({ detail: 'room, author and text are texts' });
  }
  response.status(201).json(roomNamed(room).append({ room, author, text }));
});

app.get('/poll', async (request, response) => {
  const room = roomNamed(request.query.room);
  const cursor = startOf(request, room);
  const wait_ms = Math.min(Number(request.query.wait) || 0, 60) * 1000;
  if (wait_ms > 0 && room.after(cursor).length === 0) {
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const signal = AbortSignal.any([gone.signal, AbortSignal.timeout(wait_ms)]);
    await once(room, 'message', { signal }).catch(() => {});
  }
  const found = room.after(cursor);
  const messages = found.slice(0, PAGE);
  response.set('Cache-Control', 'no-store');
  response.json({
    messages,
    cursor: messages.at(-1)?.cursor ?? String(cursor),
    more: found.length > PAGE,
    reset: null,
  });
});

app.get('/stream', (request, response) => {
  const room = roomNamed(request.query.room);
  let cursor = startOf(request, room);
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache', 'X-Accel-Buffering': 'no' });
  response.write('retry: 1000\n\n');

  // For a slow client the server keeps only a cursor, and continues from it on `drain`.
  const send = () => {
    if (response.writableNeedDrain) return;
    for (const message of room.after(cursor)) {
      cursor = message.id;
      if (!response.write(`id: ${message.cursor}\ndata: ${JSON.stringify(message)}\n\n`)) return;
    }
  };
  const keepAlive = setInterval(() => {
    if (!response.writableNeedDrain) response.write(': keep-alive\n\n');
  }, KEEP_ALIVE_MS);
  room.on('message', send);
  response.on('drain', send);
  response.on('close', () => {
    clearInterval(keepAlive);
    room.off('message', send);
  });
  send();
});

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1');
process.on('SIGTERM', () => server.close(() => process.exit(0)));
