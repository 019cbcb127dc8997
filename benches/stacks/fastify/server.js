// Fastify: the message log over polling, long-polling and Server-Sent Events.
// A stream is an async generator, handed to @fastify/sse.
import { EventEmitter, once } from 'node:events';
import sse from '@fastify/sse';
import Fastify from 'fastify';

const KEPT_MESSAGES = 10_000;
const PAGE = 200;

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

  /** The messages after `cursor` as they arrive, until `signal` aborts. */
  async *follow(cursor, signal) {
    while (!signal.aborted) {
      const messages = this.after(cursor);
      yield* messages;
      if (messages.length > 0) cursor = messages.at(-1).id;
      else await once(this, 'message', { signal }).catch(() => {});
    }
  }
}

const rooms = new Map();

function roomNamed(name) {
  if (!rooms.has(name)) rooms.set(name, new Room());
  return rooms.get(name);
}

/** The reader's first cursor: Last-Event-ID, else `cursor`, else `last` messages before the end. */
function startOf({ headers, query }, room) {
  const given = headers['last-event-id'] ?? query.cursor;
  const start = given === undefined ? Math.max(room.head - query.last, 0) : Number(given);
  if (!Number.isSafeInteger(start) || start < 0) throw Object.assign(new Error('no cursor'), { statusCode: 400 });
  return start;
}

const name = { type: 'string', minLength: 1, default: 'lobby' };
const message = {
  type: 'object',
  required: ['author', 'text'],
  properties: { room: name, author: { type: 'string', minLength: 1 }, text: { type: 'string', minLength: 1 } },
};
const place = {
  room: name,
  cursor: { type: 'string' },
  last: { type: 'integer', minimum: 0, maximum: 1000, default: 50 },
  wait: { type: 'number', minimum: 0, maximum: 60, default: 0 },
};
const read = { type: 'object', properties: place };

const app = Fastify();
await app.register(sse, { heartbeatInterval: 15_000 });

app.post('/messages', { schema: { body: message } }, async (request, reply) => {
  reply.code(201);
  return roomNamed(request.body.room).append(request.body);
});

app.get('/poll', { schema: { querystring: read } }, async (request, reply) => {
  const room = roomNamed(request.query.room);
  const cursor = startOf(request, room);
  if (request.query.wait > 0 && room.after(cursor).length === 0) {
    const gone = new AbortController();
    reply.raw.on('close', () => gone.abort());
    const signal = AbortSignal.any([gone.signal, AbortSignal.timeout(request.query.wait * 1000)]);
    await once(room, 'message', { signal }).catch(() => {});
  }
  const found = room.after(cursor);
  const messages = found.slice(0, PAGE);
  reply.header('Cache-Control', 'no-store');
  return { messages, cursor: messages.at(-1)?.cursor ?? String(cursor), more: found.length > PAGE, reset: null };
});

app.get('/stream', { sse: 'only', schema: { querystring: read } }, async (request, reply) => {
  const room = roomNamed(request.query.room);
  const cursor = startOf(request, room);
  const gone = new AbortController();
  reply.sse.onClose(() => gone.abort());

  async function* events() {
    yield { retry: 1000 };
    for await (const message of room.follow(cursor, gone.signal)) yield { id: message.cursor, data: message };
  }
  await reply.sse.send(events());
});

await app.listen({ port: Number(process.env.PORT ?? 3000), host: '127.0.0.1' });
process.on('SIGTERM', () => app.close());
