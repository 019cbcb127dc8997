// One stream for all tabs of a browser that read the same room under the same key.
//
// The leader reads the stream and forwards each batch. The others follow: each batch goes through their own ingest, at
// their own position, so the next leader continues from its own position. A follower polls once to catch up when it
// begins, when the leader changes, and if a batch does not follow its newest message. It never accepts a reset from
// another tab, as each tab has its own position; it polls for itself instead.

import { type BrowserApis, isPageHidden } from '../browser-apis.ts';
import type { Position } from '../ingest.ts';
import type { Batch } from '../message.ts';
import { IdleTimer } from '../idle-timer.ts';
import type { ConnectionFactory } from '../connection-factory.ts';
import { backoff } from '../backoff.ts';
import type { Presence } from '../presence.ts';
import { fetchPage } from '../sources/poll-request.ts';
import {
  type Link,
  createSubstituteSink,
  type RequestContext,
  type Sink,
  type Source,
} from '../sources/source.ts';
import { type Follower, Followers } from './followers.ts';
import { type LeaderMessage, Tabs } from './tabs.ts';

/** After this time without an announcement, a follower assumes that there is no leader. */
const LEADER_RESPONSE_TIMEOUT_MS = 3_000;
/** The minimum silence after which a leader counts as gone, even if the stall time-out is shorter. */
const MIN_LEADER_TIMEOUT_MS = 15_000;
/** How often a follower that is behind polls again, as one server of several may lag. */
const CATCH_UP_ATTEMPTS = 3;
const CATCH_UP_DELAY_MS = 250;

export interface SharedOptions extends RequestContext {
  sink: Sink;
  connections: ConnectionFactory;
  browserApis: BrowserApis;
  /** The name of the lock and channel that the tabs of this stream use. */
  name: string;
  /** Creates the stream to read while this tab leads. */
  createStream: (sink: Sink) => Source;
  /** The id of the newest message that this tab has read. */
  newest: () => number;
  /** Called if a follower wants the connection closed. */
  disconnect: () => void;
  /** Sends the server the list of all followers of this tab's stream. */
  report: (followers: Follower[]) => void;
}

export class SharedStream implements Source {
  readonly #options: SharedOptions;
  readonly #stream: Source;
  readonly #idle: IdleTimer;
  #position: () => Position = () => ({ last: 0 });
  #hasSlept = false;
  #tabs: Tabs | null = null;
  #link: Link = { kind: 'connecting' };
  #presence: Presence | null = null;
  readonly #followers: Followers;
  /** The leader, while this tab follows. */
  #leader: { client: string; newest: number; link: Link; isHidden: boolean } | null = null;
  /** Batches that the leader sent while this tab catches up. */
  #heldBatches: (LeaderMessage & { kind: 'batch' })[] = [];
  #catchingUp: AbortController | null = null;
  #mustRepeat = false;

  constructor(options: SharedOptions) {
    this.#options = options;
    this.#stream = options.createStream(this.#createLeaderSink(options.sink));
    this.#followers = new Followers({
      countFollowers: async () => (await this.#tabs?.countFollowers()) ?? 0,
      onCount: () => {
        if (this.#isLeader && this.#link.kind === 'live') options.sink.link(this.#withOthers(this.#link));
      },
      callRoll: () => this.#tabs?.broadcast({ kind: 'rollCall', client: options.client }),
      report: (followers) => {
        if (this.#isLeader) options.report(followers);
      },
    });
    this.#idle = new IdleTimer(
      () =>
        this.#leader === null
          ? LEADER_RESPONSE_TIMEOUT_MS
          : Math.max(MIN_LEADER_TIMEOUT_MS, 1.5 * options.connections.stallTimeout_ms),
      () => {
        this.#tabs?.stealLock();
        // Leading stops the timer.
        this.#idle.reset();
      },
    );
  }

  start(position: () => Position, hasSlept = false): void {
    this.stop();
    this.#position = position;
    this.#hasSlept = hasSlept;
    this.#options.sink.link({ kind: 'connecting' });
    this.#tabs = new Tabs(this.#options.name, this.#options.browserApis, {
      promoted: () => this.#lead(),
      demoted: () => this.#follow(),
      leaderMessage: (leaderMessage, isHidden) => this.#onMessage(leaderMessage, isHidden),
      followerMessage: (followerMessage) => {
        if (!this.#isLeader) return;
        switch (followerMessage.kind) {
          case 'announce':
            this.#announceLeader();
            return this.#followers.add({ client: followerMessage.client, author: followerMessage.author });
          case 'bye':
            return this.#followers.remove(followerMessage.client);
          case 'restart':
            this.#options.disconnect();
        }
      },
    });
    this.#follow();
  }

  stop(): void {
    this.#stopFollowing();
    this.#followers.close();
    this.#stream.stop();
    if (!this.#isLeader) this.#tabs?.broadcast({ kind: 'bye', client: this.#options.client });
    this.#tabs?.leave();
    this.#tabs = null;
  }

  reconnect(): void {
    if (this.#isLeader) return this.#stream.reconnect();
    this.#stealFromHidden();
    if (this.#leader !== null && this.#idle.idle_ms > this.#options.connections.stallTimeout_ms / 2)
      this.#startCatchUp();
  }

  /** Asks the leader to close its connection. Returns false if this tab leads. */
  requestDisconnect(): boolean {
    if (this.#tabs === null || this.#isLeader) return false;
    this.#tabs.broadcast({ kind: 'restart' });
    return true;
  }

  get #isLeader(): boolean {
    return this.#tabs?.isLeader === true;
  }

  // Leader

  #lead(): void {
    this.#stopFollowing();
    this.#link = { kind: 'connecting' };
    this.#stream.start(this.#position, this.#hasSlept);
    this.#hasSlept = false;
    this.#announceLeader();
    this.#followers.begin();
  }

  /** Tells the other tabs that this one leads, and its newest message. */
  #announceLeader(): void {
    const { client, newest } = this.#options;
    this.#tabs?.broadcast({
      kind: 'here',
      client,
      newest: newest(),
      link: this.#link,
      presence: this.#presence,
    });
  }

  #createLeaderSink(sink: Sink): Sink {
    const { client, newest } = this.#options;
    return {
      link: (link) => {
        this.#link = link;
        this.#followers.setActive(link.kind === 'live' && !usesPolls(link));
        sink.link(this.#withOthers(link));
        this.#tabs?.broadcast({ kind: 'link', client, link });
      },
      batch: (batch, by) => {
        const before = newest();
        sink.batch(batch, by);
        this.#tabs?.broadcast({ kind: 'batch', client, newest: before, batch: pickBatch(batch), by });
      },
      presence: (presence) => {
        this.#presence = presence;
        sink.presence(presence);
        this.#tabs?.broadcast({ kind: 'presence', client, presence });
      },
      exchange: (exchange, by) => {
        sink.exchange(exchange, by);
        if (exchange.kind === 'event' || exchange.kind === 'response')
          this.#tabs?.broadcast({ kind: 'activity', client });
      },
    };
  }

  #withOthers(link: Link): Link {
    const tabs = this.#followers.count;
    if (link.kind !== 'live' || link.fallback !== undefined || tabs === 0) return link;
    return { kind: 'live', fallback: { why: 'sharing', tabs } };
  }

  // Follower

  #follow(): void {
    this.#followers.close();
    this.#stream.stop();
    this.#leader = null;
    this.#idle.reset();
    this.#join();
  }

  #join(): void {
    const { client, query } = this.#options;
    const author = query?.()['author'];
    this.#tabs?.broadcast({ kind: 'announce', client, author: typeof author === 'string' ? author : null });
  }

  #stopFollowing(): void {
    this.#idle.stop();
    this.#catchingUp?.abort();
    this.#catchingUp = null;
    this.#heldBatches = [];
    this.#leader = null;
  }

  #onMessage(leaderMessage: LeaderMessage, isHidden: boolean): void {
    if (this.#isLeader || this.#tabs === null) return;
    this.#idle.reset();
    const { client } = leaderMessage;
    const isNew = this.#leader?.client !== client;
    if (isNew || this.#leader === null) {
      this.#leader = { client, newest: 0, link: { kind: 'connecting' }, isHidden };
    }
    this.#leader.isHidden = isHidden;
    switch (leaderMessage.kind) {
      case 'here':
        this.#leader.newest = leaderMessage.newest;
        this.#leader.link = leaderMessage.link;
        if (leaderMessage.presence !== null) this.#options.sink.presence(leaderMessage.presence);
        break;
      case 'link':
        this.#leader.link = leaderMessage.link;
        break;
      case 'presence':
        this.#options.sink.presence(leaderMessage.presence);
        break;
      case 'batch':
        this.#leader.newest = Math.max(leaderMessage.newest, getLastId(leaderMessage.batch));
        break;
      case 'rollCall':
        this.#join();
    }
    if (isNew) this.#startCatchUp();
    else if (leaderMessage.kind === 'batch') this.#acceptBatch(leaderMessage);
    else if (leaderMessage.kind === 'link' && this.#catchingUp === null) this.#reportLink();
    this.#stealFromHidden();
  }

  /** A visible tab does not rely on the polls of a hidden one, which may be a minute apart. */
  #stealFromHidden(): void {
    if (this.#leader?.isHidden === true && usesPolls(this.#leader.link) && !isPageHidden())
      this.#tabs?.stealLock();
  }

  #acceptBatch(leaderMessage: LeaderMessage & { kind: 'batch' }): void {
    if (leaderMessage.batch.reset !== null) this.#startCatchUp();
    else if (this.#catchingUp !== null) this.#heldBatches.push(leaderMessage);
    else if (this.#options.newest() < leaderMessage.newest) this.#startCatchUp();
    // An older batch has an older cursor, so it must not reach the ingest.
    else if (getLastId(leaderMessage.batch) > this.#options.newest())
      this.#options.sink.batch(leaderMessage.batch, leaderMessage.by);
  }

  #reportLink(): void {
    if (this.#leader === null) return;
    const { client, link } = this.#leader;
    if (link.kind !== 'live') this.#options.sink.link(link);
    else
      this.#options.sink.link({ kind: 'live', fallback: { why: 'shared', client, polls: usesPolls(link) } });
  }

  /** Polls until this tab has all messages that the leader has. */
  #startCatchUp(): void {
    // The next response contains these messages.
    this.#heldBatches = [];
    this.#mustRepeat = true;
    if (this.#catchingUp !== null) return;
    this.#catchingUp = new AbortController();
    void this.#catchUp(this.#catchingUp.signal);
  }

  async #catchUp(stopped: AbortSignal): Promise<void> {
    const { sink, connections } = this.#options;
    let failures = 0;
    let attempts = 0;
    while (this.#mustRepeat && !stopped.aborted) {
      this.#mustRepeat = false;
      this.#heldBatches = [];
      const query = { request: this.#options, connections, position: this.#position(), wait_s: 0, stopped };
      const result = await fetchPage(query, createSubstituteSink(sink));
      if (stopped.aborted) return;
      if (!result.ok) {
        sink.link(result.link);
        this.#mustRepeat = true;
        await sleep(Math.max(backoff(++failures), result.retryAfter_ms), stopped);
        continue;
      }
      // After a reset, held batches may be from the old log.
      if (result.more || result.reset) this.#mustRepeat = true;
      else if (this.#isBehind() && ++attempts < CATCH_UP_ATTEMPTS) {
        this.#mustRepeat = true;
        await sleep(CATCH_UP_DELAY_MS, stopped);
      }
    }
    if (stopped.aborted) return;
    this.#catchingUp = null;
    this.#reportLink();
    for (const leaderMessage of this.#heldBatches.splice(0)) this.#acceptBatch(leaderMessage);
  }

  /** Whether this tab still lacks messages that the leader has. */
  #isBehind(): boolean {
    const first = this.#heldBatches[0];
    const from = first === undefined ? (this.#leader?.newest ?? 0) : first.newest;
    return this.#options.newest() < from;
  }
}

/** Whether the leader polls instead of reading its stream. */
function usesPolls(link: Link): boolean {
  return link.kind === 'live' && (link.fallback?.why === 'mute' || link.fallback?.why === 'crowded');
}

function getLastId({ messages }: Batch): number {
  return messages.at(-1)?.id ?? 0;
}

/** Only the fields that other tabs need. */
function pickBatch({ messages, cursor, reset }: Batch): Batch {
  return { messages, cursor, reset };
}

function sleep(ms: number, stopped: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      stopped.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    stopped.addEventListener('abort', end);
  });
}
