import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Ingest } from '../src/client/ingest.ts';
import type { Message } from '../src/client/message.ts';
import type { Link, Sink, Source } from '../src/client/sources/source.ts';
import { SharedStream } from '../src/client/sharing/shared-stream.ts';
import { type BrowserApis } from '../src/client/browser-apis.ts';
import {
  FakeChannels,
  FakeLocks,
  FakeNetwork,
  refusingLocks,
  silentLocks,
  throwingLocks,
} from './browser-support.ts';
import { batch, json, message } from './support.ts';

const NAME = 'lobby 1';
const settle = () => vi.advanceTimersByTimeAsync(5);

/** A server with one room, and the tabs of one browser that read it. */
class Browser {
  readonly locks = new FakeLocks();
  readonly channels = new FakeChannels();
  apis: BrowserApis = { locks: this.locks.manager, channel: this.channels.open };
  readonly tabs: Tab[] = [];
  log: Message[] = [];
  name = 'aaa';
  polls = 0;

  publish(...ids: number[]): void {
    for (const id of ids) this.log.push(message(id, this.name));
    for (const tab of this.tabs) tab.deliver();
  }

  /** Replaces the log. Streams learn of it when they reconnect. */
  restart(): void {
    this.name = 'bbb';
    this.log = [];
  }

  readonly fetch = (input: unknown): Promise<Response> => {
    this.polls += 1;
    const { searchParams } = new URL(String(input), 'http://test/');
    const [name, id] = (searchParams.get('cursor') ?? '').split('-');
    const known = name === this.name ? Number(id) : 0;
    const messages = this.log.filter((it) => it.id > known);
    const reset = name !== '' && name !== this.name ? 'unknown' : null;
    const cursor = `${this.name}-${this.log.at(-1)?.id ?? known}`;
    return Promise.resolve(json(200, { messages, cursor, more: false, reset }));
  };

  open(client: string): Tab {
    const tab = new Tab(this, client);
    this.tabs.push(tab);
    return tab;
  }
}

class Tab {
  readonly shown: (number | string)[] = [];
  readonly links: Link[] = [];
  readonly #browser: Browser;
  readonly source: SharedStream;
  readonly #ingest: Ingest;
  restarts = 0;
  readonly reports: string[] = [];
  /** The tab's own stream, while it leads. */
  stream: Sink | null = null;
  #at = 0;
  #alive = true;

  constructor(browser: Browser, client: string) {
    this.#browser = browser;
    this.#ingest = new Ingest({
      messages: (messages) => this.shown.push(...messages.map(({ id }) => id)),
      gap: (reason) => this.shown.push(reason),
    });
    this.source = new SharedStream({
      room: 'lobby',
      client,
      name: NAME,
      connections: new FakeNetwork(browser.fetch as typeof fetch, 20_000),
      browserApis: browser.apis,
      sink: {
        link: (link) => this.links.push(link),
        batch: (b) => this.#ingest.accept(b, 'stream'),
        presence: () => {},
        exchange: () => {},
      },
      newest: () => this.#ingest.newestId,
      disconnect: () => (this.restarts += 1),
      query: () => ({ author: `of ${client}` }),
      report: (followers) =>
        this.reports.push(followers.map((it) => `${it.client} ${it.author ?? ''}`).join()),
      createStream: (sink): Source => ({
        start: (position) => {
          this.stream = sink;
          const where = position();
          this.#at = 'cursor' in where ? Number(where.cursor.split('-')[1]) : 0;
          sink.link({ kind: 'live' });
          this.deliver();
        },
        stop: () => (this.stream = null),
        reconnect: () => {},
      }),
    });
    this.source.start(() => this.#ingest.position());
  }

  /** Delivers the messages that the tab's own stream lacks. */
  deliver(): void {
    if (!this.#alive || this.stream === null) return;
    for (const { id } of this.#browser.log.filter((it) => it.id > this.#at)) {
      this.#at = id;
      this.stream.batch(batch([id], {}, this.#browser.name));
    }
  }

  /** Delivers a reset and the messages of the new log. */
  deliverReset(): void {
    this.stream?.batch({ messages: [], cursor: null, reset: 'unknown' });
    this.#at = 0;
    this.deliver();
  }

  /** Makes the tab hang without closing it. */
  hang(): void {
    this.#alive = false;
    this.source.stop = () => {};
  }
}

async function tabs(count: number): Promise<[Browser, ...Tab[]]> {
  const browser = new Browser();
  const opened: Tab[] = [];
  for (let i = 0; i < count; i++) {
    opened.push(browser.open(`tab-${i}`));
    await settle();
  }
  return [browser, ...opened];
}

const leaders = ({ tabs: all }: Browser) => all.filter(({ stream }) => stream !== null);

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe('tabs that share a stream', () => {
  test('see every message once and in order, over one stream', async () => {
    const [browser] = await tabs(7);
    browser.publish(1, 2);
    await settle();
    browser.publish(3);
    await settle();
    expect(leaders(browser)).toHaveLength(1);
    for (const tab of browser.tabs) expect(tab.shown).toEqual([1, 2, 3]);
  });

  test('report the leader’s client, and the number of followers', async () => {
    const [browser, first, second] = await tabs(3);
    browser.publish(1);
    await settle();
    expect(first?.links.at(-1)).toEqual({ kind: 'live', fallback: { why: 'sharing', tabs: 2 } });
    expect(second?.links.at(-1)).toEqual({
      kind: 'live',
      fallback: { why: 'shared', client: 'tab-0', polls: false },
    });
    second?.source.stop();
    browser.tabs[2]?.source.stop();
    await settle();
    expect(first?.links.at(-1)).toEqual({ kind: 'live' });
  });

  test('report the followers to the server, by the leader', async () => {
    const [browser, first, second, third] = await tabs(3);
    await vi.advanceTimersByTimeAsync(600);
    expect(first?.reports).toEqual(['tab-1 of tab-1,tab-2 of tab-2']);
    first?.source.stop();
    await vi.advanceTimersByTimeAsync(600);
    expect(leaders(browser)).toEqual([second]);
    expect(second?.reports).toEqual(['tab-2 of tab-2']);
    third?.source.stop();
    await vi.advanceTimersByTimeAsync(600);
    expect(second?.reports).toEqual(['tab-2 of tab-2', '']);
  });

  test('let a new tab catch up with one poll', async () => {
    const [browser] = await tabs(1);
    browser.publish(1, 2, 3);
    const late = browser.open('late');
    browser.publish(4);
    await settle();
    browser.publish(5);
    await settle();
    expect(late.shown).toEqual([1, 2, 3, 4, 5]);
    expect(browser.polls).toBe(1);
    const last = browser.open('last');
    await settle();
    expect(last.shown).toEqual([1, 2, 3, 4, 5]);
  });

  test.each(['closes', 'crashes', 'hangs'])('continue at their cursors when the leader %s', async (how) => {
    const [browser, first] = await tabs(4);
    browser.publish(1, 2);
    await settle();
    if (how === 'closes') first?.source.stop();
    if (how === 'crashes') {
      first?.hang();
      first?.stream?.link({ kind: 'connecting' });
      browser.locks.crash(NAME);
    }
    if (how === 'hangs') first?.hang();
    browser.publish(3);
    if (how === 'hangs') await vi.advanceTimersByTimeAsync(31_000);
    await settle();
    browser.publish(4, 5);
    await settle();
    for (const tab of browser.tabs.slice(1)) expect(tab.shown).toEqual([1, 2, 3, 4, 5]);
    expect(browser.tabs.slice(1).filter(({ stream }) => stream !== null)).toHaveLength(1);
  });

  test('make a leader that was slow, and not dead, follow the new leader', async () => {
    const [browser, first, second] = await tabs(2);
    browser.publish(1);
    await settle();
    await vi.advanceTimersByTimeAsync(31_000);
    await settle();
    expect(leaders(browser)).toEqual([second]);
    browser.publish(2);
    await settle();
    expect(first?.shown).toEqual([1, 2]);
    expect(first?.links.at(-1)).toMatchObject({ fallback: { why: 'shared', client: 'tab-1' } });
  });

  test('let a visible tab take over from a hidden one that only polls', async () => {
    const [browser, first, second] = await tabs(2);
    const page = { hidden: true };
    vi.stubGlobal('document', page);
    first?.stream?.link({ kind: 'live', fallback: { why: 'mute', idle_s: 45, retry_at_ms: 0 } });
    await settle();
    expect(leaders(browser)).toEqual([first]);
    expect(second?.links.at(-1)).toMatchObject({ fallback: { why: 'shared', polls: true } });
    page.hidden = false;
    second?.source.reconnect();
    await settle();
    expect(leaders(browser)).toEqual([second]);
    browser.publish(1);
    await settle();
    for (const tab of [first, second]) expect(tab?.shown).toEqual([1]);
    vi.unstubAllGlobals();
  });

  test('poll for a batch that was lost between them', async () => {
    const [browser, , second] = await tabs(2);
    browser.publish(1);
    await settle();
    const polls = browser.polls;
    const { open } = browser.channels;
    // As for a page that was frozen for a while: the next batch does not follow its newest message.
    const channel = open(NAME);
    const lost = { kind: 'batch', client: 'tab-0', newest: 7, batch: batch([8]) };
    channel.postMessage({ message: lost, isHidden: false });
    browser.log.push(...[2, 3, 4, 5, 6, 7, 8].map((id) => message(id)));
    await settle();
    expect(second?.shown).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(browser.polls).toBe(polls + 1);
  });

  test.each(['before', 'after'])(
    'report a new log once, if they poll %s the leader’s reset',
    async (when) => {
      const [browser, first, second] = await tabs(2);
      browser.publish(40, 41);
      await settle();
      browser.restart();
      browser.log.push(message(1, 'bbb'), message(2, 'bbb'));
      if (when === 'before') {
        await vi.advanceTimersByTimeAsync(11_000);
        second?.source.reconnect();
        await vi.advanceTimersByTimeAsync(2_000);
      }
      first?.deliverReset();
      await settle();
      browser.publish(3);
      await settle();
      for (const tab of [first, second]) expect(tab?.shown).toEqual([40, 41, 'unknown', 1, 2, 3]);
    },
  );

  test('let a follower request to close the connection', async () => {
    const [, first, second] = await tabs(2);
    expect(second?.source.requestDisconnect()).toBe(true);
    await settle();
    expect(first?.restarts).toBe(1);
    expect(first?.source.requestDisconnect()).toBe(false);
  });

  test.each<[string, Partial<BrowserApis>]>([
    ['refuses locks', { locks: refusingLocks }],
    ['throws where locks are requested', { locks: throwingLocks }],
    ['never answers a lock request', { locks: silentLocks }],
    [
      'refuses channels',
      {
        channel: () => {
          throw new DOMException('refused', 'SecurityError');
        },
      },
    ],
  ])('read by themselves if the browser %s', async (_, refused) => {
    const browser = new Browser();
    browser.apis = { ...browser.apis, ...refused };
    const [one, two] = [browser.open('one'), browser.open('two')];
    await vi.advanceTimersByTimeAsync(10_000);
    browser.publish(1);
    await settle();
    expect([one.shown, two.shown]).toEqual([[1], [1]]);
    one.source.stop();
    two.source.stop();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('leave nothing behind when they stop', async () => {
    const [browser] = await tabs(3);
    for (const tab of browser.tabs) tab.source.stop();
    await settle();
    expect(browser.locks.names).toEqual([]);
    expect((await browser.locks.query()).pending).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
