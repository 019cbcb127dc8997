// One stream for all tabs of a browser that read the same room in the same lane.
//
// The tab that leads reads the stream and passes on what it brings. The others follow: they take each batch through
// their own ingest, at their own place, so whoever leads next goes on from where it is itself. A follower polls once
// to come level: when it begins, when the leader changes, and whenever a batch does not join on to what it has. A
// reset is never taken from another tab, as each has its own place: it sends a follower to ask for itself.

import type { Place } from '../ingest.ts';
import type { Batch } from '../message.ts';
import { Silence } from '../idle-timer.ts';
import type { Carrier } from '../../lab/network.ts';
import { pauseAfter } from '../backoff.ts';
import type { Presence } from '../presence.ts';
import { ask } from '../sources/poll-request.ts';
import { type Link, polled, type Reader, type Sink, type Source } from '../sources/source.ts';
import { type Follower, Followers } from './followers.ts';
import { isPageHidden, type Means, type Said, Tabs } from './tabs.ts';

/** How long a leader may take to say that it is there. */
const ANSWER_MS = 3_000;
/** The longest that a leader is silent in good health, where the stream may be mute for less. */
const LEADER_SILENT_MS = 15_000;
/** How often a follower asks again that is still behind, as several servers may not be level. */
const LEVEL_TRIES = 3;
const LEVEL_PAUSE_MS = 250;

export interface SharedOptions extends Reader {
  sink: Sink;
  network: Carrier;
  means: Means;
  /** What the tabs that share have in common. */
  name: string;
  /** The stream to read while this tab leads, given the sink to report to. */
  stream: (sink: Sink) => Source;
  /** The id of the newest message this lane has. */
  newest: () => number;
  /** A tab that follows wants the leader's connection closed. */
  restart: () => void;
  /** Tells the server who reads along with this tab's stream: all of them. */
  report: (followers: Follower[]) => void;
}

export class SharedStream implements Source {
  readonly #options: SharedOptions;
  readonly #stream: Source;
  readonly #silence: Silence;
  #place: () => Place = () => ({ last: 0 });
  #slept = false;
  #tabs: Tabs | null = null;
  #link: Link = { kind: 'connecting' };
  #presence: Presence | null = null;
  readonly #followers: Followers;
  /** Of a follower: whom it follows. */
  #leader: { client: string; newest: number; link: Link; isHidden: boolean } | null = null;
  /** Of a follower that comes level: what was passed on meanwhile. */
  #held: (Said & { kind: 'batch' })[] = [];
  #levelling: AbortController | null = null;
  #again = false;

  constructor(options: SharedOptions) {
    this.#options = options;
    this.#stream = options.stream(this.#leading(options.sink));
    this.#followers = new Followers({
      others: async () => (await this.#tabs?.others()) ?? 0,
      counted: () => {
        if (this.#leads && this.#link.kind === 'live') options.sink.link(this.#withOthers(this.#link));
      },
      callRoll: () => this.#tabs?.say({ kind: 'roll', client: options.client }),
      report: (followers) => {
        if (this.#leads) options.report(followers);
      },
    });
    this.#silence = new Silence(
      () => (this.#leader === null ? ANSWER_MS : Math.max(LEADER_SILENT_MS, 1.5 * options.network.mute_ms)),
      () => this.#tabs?.seize(),
    );
  }

  start(place: () => Place, slept = false): void {
    this.stop();
    this.#place = place;
    this.#slept = slept;
    this.#options.sink.link({ kind: 'connecting' });
    this.#tabs = new Tabs(this.#options.name, this.#options.means, {
      lead: () => this.#lead(),
      deposed: () => this.#follow(),
      said: (said, isHidden) => this.#hear(said, isHidden),
      asked: (asked) => {
        if (!this.#leads) return;
        switch (asked.kind) {
          case 'hello':
            this.#greet();
            return this.#followers.came({ client: asked.client, author: asked.author });
          case 'bye':
            return this.#followers.left(asked.client);
          case 'restart':
            this.#options.restart();
        }
      },
    });
    this.#follow();
  }

  stop(): void {
    this.#stopFollowing();
    this.#followers.end();
    this.#stream.stop();
    if (!this.#leads) this.#tabs?.say({ kind: 'bye', client: this.#options.client });
    this.#tabs?.leave();
    this.#tabs = null;
  }

  wake(): void {
    if (this.#leads) return this.#stream.wake();
    this.#seizeFromHidden();
    if (this.#leader !== null && this.#silence.lasts_ms > this.#options.network.mute_ms / 2) this.#level();
  }

  /** Closes the connection that this tab reads over; false where it is this tab's own. */
  restart(): boolean {
    if (this.#tabs === null || this.#leads) return false;
    this.#tabs.say({ kind: 'restart' });
    return true;
  }

  get #leads(): boolean {
    return this.#tabs?.leads === true;
  }

  // The leader.

  #lead(): void {
    this.#stopFollowing();
    this.#link = { kind: 'connecting' };
    this.#stream.start(this.#place, this.#slept);
    this.#slept = false;
    this.#greet();
    this.#followers.begin();
  }

  /** Tells the others who leads and where it is. */
  #greet(): void {
    const { client, newest } = this.#options;
    this.#tabs?.say({ kind: 'here', client, newest: newest(), link: this.#link, presence: this.#presence });
  }

  #leading(sink: Sink): Sink {
    const { client, newest } = this.#options;
    return {
      link: (link) => {
        this.#link = link;
        this.#followers.live(link.kind === 'live' && !standsIn(link));
        sink.link(this.#withOthers(link));
        this.#tabs?.say({ kind: 'link', client, link });
      },
      batch: (batch, by) => {
        const before = newest();
        sink.batch(batch, by);
        this.#tabs?.say({ kind: 'batch', client, newest: before, batch: bare(batch), by });
      },
      presence: (presence) => {
        this.#presence = presence;
        sink.presence(presence);
        this.#tabs?.say({ kind: 'presence', client, presence });
      },
      exchange: (exchange) => {
        sink.exchange(exchange);
        if (exchange.kind === 'pushed' || exchange.kind === 'answered')
          this.#tabs?.say({ kind: 'sign', client });
      },
    };
  }

  #withOthers(link: Link): Link {
    const tabs = this.#followers.count;
    if (link.kind !== 'live' || link.detour !== undefined || tabs === 0) return link;
    return { kind: 'live', detour: { why: 'sharing', tabs } };
  }

  // A follower.

  #follow(): void {
    this.#followers.end();
    this.#stream.stop();
    this.#leader = null;
    this.#silence.heard();
    this.#introduce();
  }

  #introduce(): void {
    const { client, query } = this.#options;
    const author = query?.()['author'];
    this.#tabs?.say({ kind: 'hello', client, author: typeof author === 'string' ? author : null });
  }

  #stopFollowing(): void {
    this.#silence.stop();
    this.#levelling?.abort();
    this.#levelling = null;
    this.#held = [];
    this.#leader = null;
  }

  #hear(said: Said, isHidden: boolean): void {
    if (this.#leads || this.#tabs === null) return;
    this.#silence.heard();
    const { client } = said;
    const isNew = this.#leader?.client !== client;
    if (isNew || this.#leader === null) {
      this.#leader = { client, newest: 0, link: { kind: 'connecting' }, isHidden };
    }
    this.#leader.isHidden = isHidden;
    switch (said.kind) {
      case 'here':
        this.#leader.newest = said.newest;
        this.#leader.link = said.link;
        if (said.presence !== null) this.#options.sink.presence(said.presence);
        break;
      case 'link':
        this.#leader.link = said.link;
        break;
      case 'presence':
        this.#options.sink.presence(said.presence);
        break;
      case 'batch':
        this.#leader.newest = Math.max(said.newest, lastId(said.batch));
        break;
      case 'roll':
        this.#introduce();
    }
    if (isNew) this.#level();
    else if (said.kind === 'batch') this.#take(said);
    else if (said.kind === 'link' && this.#levelling === null) this.#show();
    this.#seizeFromHidden();
  }

  /** The polls of a hidden tab may come a minute apart. A tab in sight does not wait for those. */
  #seizeFromHidden(): void {
    if (this.#leader?.isHidden === true && standsIn(this.#leader.link) && !isPageHidden())
      this.#tabs?.seize();
  }

  #take(said: Said & { kind: 'batch' }): void {
    if (said.batch.reset !== null) this.#level();
    else if (this.#levelling !== null) this.#held.push(said);
    else if (this.#options.newest() < said.newest) this.#level();
    // Of what is older the cursor would lead back.
    else if (lastId(said.batch) > this.#options.newest()) this.#options.sink.batch(said.batch, said.by);
  }

  #show(): void {
    if (this.#leader === null) return;
    const { client, link } = this.#leader;
    if (link.kind !== 'live') this.#options.sink.link(link);
    else this.#options.sink.link({ kind: 'live', detour: { why: 'shared', client, polls: standsIn(link) } });
  }

  /** Asks the server for what this tab lacks, until it is where the leader is. */
  #level(): void {
    // What was passed on before the next answer is in it.
    this.#held = [];
    this.#again = true;
    if (this.#levelling !== null) return;
    this.#levelling = new AbortController();
    void this.#comeLevel(this.#levelling.signal);
  }

  async #comeLevel(stopped: AbortSignal): Promise<void> {
    const { sink, network } = this.#options;
    let failures = 0;
    let tries = 0;
    while (this.#again && !stopped.aborted) {
      this.#again = false;
      this.#held = [];
      const question = { reader: this.#options, network, place: this.#place(), wait_s: 0, stopped };
      const answer = await ask(question, polled(sink));
      if (stopped.aborted) return;
      if (!answer.ok) {
        sink.link(answer.link);
        this.#again = true;
        await pause(pauseAfter(++failures), stopped);
        continue;
      }
      // After a reset what is held may be of the log before it.
      if (answer.more || answer.reset) this.#again = true;
      else if (this.#isBehind() && ++tries < LEVEL_TRIES) {
        this.#again = true;
        await pause(LEVEL_PAUSE_MS, stopped);
      }
    }
    if (stopped.aborted) return;
    this.#levelling = null;
    this.#show();
    for (const said of this.#held.splice(0)) this.#take(said);
  }

  /** Whether the server that answered lacks what the leader has: what is held joins on to it or it does not. */
  #isBehind(): boolean {
    const first = this.#held[0];
    const from = first === undefined ? (this.#leader?.newest ?? 0) : first.newest;
    return this.#options.newest() < from;
  }
}

/** Whether the leader polls in place of its stream. */
function standsIn(link: Link): boolean {
  return link.kind === 'live' && (link.detour?.why === 'mute' || link.detour?.why === 'crowded');
}

function lastId({ messages }: Batch): number {
  return messages.at(-1)?.id ?? 0;
}

/** Only what the other tabs need, whatever else an answer held. */
function bare({ messages, cursor, reset }: Batch): Batch {
  return { messages, cursor, reset };
}

function pause(ms: number, stopped: AbortSignal): Promise<void> {
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
