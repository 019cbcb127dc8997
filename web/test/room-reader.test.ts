import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { BrowserConnections, RoomReader, type RoomReaderOptions } from '../src/client/index.ts';
import { FakeEventSource } from './browser-support.ts';
import { FakePage } from './page-support.ts';
import { fakeFetch, hang, message, networkDown, pollAnswer } from './support.ts';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

type Replies = Parameters<typeof fakeFetch>;

function reader(options: RoomReaderOptions, ...replies: Replies) {
  const { fetch, calls } = fakeFetch(...replies);
  const opened: { events: FakeEventSource; init: EventSourceInit }[] = [];
  const page = new FakePage();
  const read: string[] = [];
  const r = new RoomReader(
    {
      connections: new BrowserConnections({
        fetch,
        eventSource: (url, init) => {
          const events = new FakeEventSource(url);
          opened.push({ events, init });
          return events as unknown as EventSource;
        },
      }),
      page,
      ...options,
    },
    {
      messages: (messages, by) => read.push(...messages.map(({ id }) => `${id} by ${by}`)),
      gap: (reason) => read.push(`gap: ${reason}`),
      link: ({ kind }) => read.push(kind),
    },
  );
  return { reader: r, calls, opened, page, read };
}

describe('a reader of a room', () => {
  test('sends the wait of its options with long-polls', async () => {
    const waits = [];
    for (const longPollWait_s of [undefined, 8]) {
      const options = longPollWait_s === undefined ? {} : { longPollWait_s };
      const { reader: r, calls } = reader(options, () => pollAnswer([1]), hang);
      r.use('long-poll');
      await vi.advanceTimersByTimeAsync(10);
      r.stop();
      waits.push(calls.at(-1)?.url.searchParams.get('wait'));
    }
    expect(waits).toEqual(['25', '8']);
  });

  test('switches from polls to a stream and back at the same cursor', async () => {
    const { reader: r, calls, opened, read } = reader({ room: 'tea' }, () => pollAnswer([1, 2]));
    r.use('poll');
    await vi.advanceTimersByTimeAsync(10);
    r.use('stream');
    await vi.advanceTimersByTimeAsync(10);
    const [stream] = opened;
    stream?.events.emitOpen();
    stream?.events.emitMessage(message(2));
    stream?.events.emitMessage(message(3));
    r.use('poll');
    await vi.advanceTimersByTimeAsync(10);
    expect(read.filter((each) => each.includes('by'))).toEqual(['1 by poll', '2 by poll', '3 by stream']);
    expect(calls[0]?.url.searchParams.get('room')).toBe('tea');
    expect(stream?.events.url.searchParams.get('cursor')).toBe('aaa-2');
    expect(calls[1]?.url.searchParams.get('cursor')).toBe('aaa-3');
    expect(stream?.events.readyState).toBe(2);
  });

  test('reads several rooms with one cursor, and reports the presence of each', async () => {
    const present = (room: string) => ({ room, count: 0, present: [] });
    const received: string[] = [];
    const { fetch, calls } = fakeFetch(() =>
      pollAnswer([1, 2], { presence: [present('tea'), present('coffee')] }),
    );
    const r = new RoomReader(
      { rooms: ['tea', 'coffee'], connections: new BrowserConnections({ fetch }), page: null },
      {
        messages: (messages) => received.push(...messages.map(({ id, room }) => `${id} in ${room}`)),
        presence: ({ room }) => received.push(room),
      },
    );
    r.use('poll');
    await vi.advanceTimersByTimeAsync(10);
    r.pollNow();
    await vi.advanceTimersByTimeAsync(10);
    r.stop();
    expect([r.room, r.rooms]).toEqual(['tea', ['tea', 'coffee']]);
    expect(calls.map(({ url }) => url.searchParams.getAll('room'))).toEqual([r.rooms, r.rooms]);
    expect(calls[1]?.url.searchParams.get('cursor')).toBe('aaa-2');
    expect(received.slice(0, 4)).toEqual(['1 in lobby', '2 in lobby', 'tea', 'coffee']);
  });

  test('can omit label and interval, for a cache that collapses polls', async () => {
    const { reader: r, calls } = reader({ query: () => ({ client: null, interval: null }) }, () =>
      pollAnswer([]),
    );
    r.use('poll');
    await vi.advanceTimersByTimeAsync(10);
    r.stop();
    expect(calls[0]?.url.search).toBe('?room=lobby&last=50');
  });

  test.each([
    ['https://chat.example', 'https://chat.example/poll'],
    ['https://chat.example/talk', 'https://chat.example/talk/poll'],
    ['https://chat.example/talk/?x=1#y', 'https://chat.example/talk/poll'],
  ])('requests %s at %s', async (url, route) => {
    const { reader: r, calls } = reader({ url }, networkDown);
    r.use('poll');
    await vi.advanceTimersByTimeAsync(10);
    const asked = calls[0]?.url;
    expect(`${asked?.origin}${asked?.pathname}`).toBe(route);
    r.stop();
  });

  test('sends its interval, its label and added parameters', async () => {
    const { reader: r, calls } = reader(
      { client: 'me', interval_s: 5, query: (transport) => ({ via: transport, none: null }) },
      () => pollAnswer([]),
    );
    r.use('poll');
    await vi.advanceTimersByTimeAsync(10);
    const query = Object.fromEntries(calls[0]?.url.searchParams ?? []);
    expect(query).toMatchObject({ room: 'lobby', client: 'me', interval: '5', via: 'poll' });
    expect(query).not.toHaveProperty('none');
    r.setClient('another');
    await vi.advanceTimersByTimeAsync(10);
    expect(calls.at(-1)?.url.searchParams.get('client')).toBe('another');
    r.stop();
  });

  test('reads while the page is hidden, or pauses and catches up if configured', async () => {
    for (const whileHidden of ['read', 'pause'] as const) {
      const { reader: r, calls, page } = reader({ whileHidden }, ...Array(40).fill(() => pollAnswer([])));
      r.use('poll');
      await vi.advanceTimersByTimeAsync(10);
      page.hide();
      page.goOnline();
      const before = calls.length;
      await vi.advanceTimersByTimeAsync(10_000);
      if (whileHidden === 'read') expect(calls.length).toBeGreaterThan(before + 3);
      else expect(calls.length).toBe(before);
      const hidden = calls.length;
      page.show();
      await vi.advanceTimersByTimeAsync(2_100);
      expect(calls.length).toBeGreaterThan(hidden);
      r.stop();
    }
  });

  test('starts once when a paused page is shown after a sleep of the machine', async () => {
    const {
      reader: r,
      calls,
      page,
    } = reader({ whileHidden: 'pause' }, ...Array(9).fill(() => pollAnswer([])));
    r.use('poll');
    await vi.advanceTimersByTimeAsync(10);
    page.hide();
    vi.setSystemTime(Date.now() + 300_000);
    const before = calls.length;
    page.show();
    await vi.advanceTimersByTimeAsync(10);
    expect(calls.length).toBe(before + 1);
    r.stop();
  });

  test('pauses from the start on a page that is hidden already, whatever is changed meanwhile', async () => {
    const {
      reader: r,
      calls,
      page,
    } = reader({ whileHidden: 'pause' }, ...Array(9).fill(() => pollAnswer([])));
    page.hide();
    r.use('poll');
    r.setClient('another');
    r.reopen();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(calls).toEqual([]);
    page.show();
    await vi.advanceTimersByTimeAsync(10);
    expect(calls.length).toBe(1);
    r.stop();
  });

  test('closes its stream when the page is cached, and begins with a poll when it is restored', async () => {
    const { reader: r, calls, opened, page } = reader({}, () => pollAnswer([1]), networkDown);
    r.use('stream');
    await vi.advanceTimersByTimeAsync(10);
    page.putAway();
    expect(opened[0]?.events.readyState).toBe(2);
    page.restore(true);
    await vi.advanceTimersByTimeAsync(10);
    expect(calls).toHaveLength(1);
    expect(opened).toHaveLength(2);
    r.stop();
  });

  test('sends cookies to another origin only if configured', async () => {
    for (const credentials of ['include', 'same-origin'] as const) {
      const { fetch, calls } = fakeFetch(networkDown);
      let init: EventSourceInit | null = null;
      const connections = new BrowserConnections({
        credentials,
        fetch,
        eventSource: (url, given) => {
          init = given;
          return new FakeEventSource(url) as unknown as EventSource;
        },
      });
      await connections.fetch('http://test/poll').catch(() => null);
      connections.open('http://test/stream');
      expect(calls[0]?.init.credentials).toBe(credentials);
      expect(init).toEqual({ withCredentials: credentials === 'include' });
    }
  });

  test('leaves no timer when it stops', async () => {
    for (const transport of ['poll', 'long-poll', 'stream'] as const) {
      const { reader: r } = reader({}, () => pollAnswer([]));
      r.use(transport);
      await vi.advanceTimersByTimeAsync(10);
      r.stop();
      await vi.advanceTimersByTimeAsync(10);
      expect(vi.getTimerCount()).toBe(0);
      expect(r.transport).toBeNull();
    }
  });
});
