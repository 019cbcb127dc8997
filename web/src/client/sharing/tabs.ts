// The tabs of one browser that read the same: who of them leads, and what they say to each other.
//
// The leader is who holds a Web Lock. The browser passes it on when a tab closes or crashes; from a leader that has
// gone silent it can be taken. Between tabs there is a BroadcastChannel.

import type { Batch } from '../message.ts';
import type { Presence } from '../presence.ts';
import type { Link } from '../sources/source.ts';
import type { Transport } from '../transport.ts';
import type { Follower } from './followers.ts';

/** What the leader says. `newest` is the id of the newest message it had passed on before. */
export type LeaderMessage =
  | { kind: 'here'; client: string; newest: number; link: Link; presence: Presence | null }
  | { kind: 'link'; client: string; link: Link }
  | { kind: 'batch'; client: string; newest: number; batch: Batch; by: Transport | undefined }
  | { kind: 'presence'; client: string; presence: Presence }
  | { kind: 'activity'; client: string }
  /** Say anew who you are. */
  | { kind: 'rollCall'; client: string };

/** What the others say: here I am, I am gone, and: close the connection, as I chose a restart. */
export type FollowerMessage =
  ({ kind: 'announce' } & Follower) | { kind: 'bye'; client: string } | { kind: 'restart' };

export interface TabsListener {
  /** This tab leads from now on. */
  lead(): void;
  /** Another tab took the lead from this one. */
  demoted(): void;
  /** `isHidden`: the browser slows the timers of the tab that says it, and so its polls. */
  leaderMessage(leaderMessage: LeaderMessage, isHidden: boolean): void;
  followerMessage(followerMessage: FollowerMessage): void;
}

/** What the browser has to offer; null where it does not. */
export interface BrowserApis {
  locks: LockManager;
  channel: (name: string) => BroadcastChannel;
}

export function browserApis(): BrowserApis | null {
  if (typeof navigator === 'undefined' || navigator.locks === undefined) return null;
  if (typeof BroadcastChannel === 'undefined') return null;
  return { locks: navigator.locks, channel: (name) => new BroadcastChannel(name) };
}

interface Envelope {
  what: LeaderMessage | FollowerMessage;
  isHidden: boolean;
}

export class Tabs {
  readonly #browserApis: BrowserApis;
  readonly #name: string;
  readonly #listener: TabsListener;
  readonly #channel: BroadcastChannel;
  #waiting = new AbortController();
  #release: (() => void) | null = null;
  #gone = false;

  constructor(name: string, browserApis: BrowserApis, listener: TabsListener) {
    this.#name = name;
    this.#browserApis = browserApis;
    this.#listener = listener;
    this.#channel = browserApis.channel(name);
    this.#channel.onmessage = ({ data: { what, isHidden } }: MessageEvent<Envelope>) => {
      if (this.#gone) return;
      if (what.kind === 'announce' || what.kind === 'bye' || what.kind === 'restart')
        listener.followerMessage(what);
      else listener.leaderMessage(what, isHidden);
    };
    this.#request({});
  }

  get leads(): boolean {
    return this.#release !== null;
  }

  broadcast(what: LeaderMessage | FollowerMessage): void {
    const post: Envelope = { what, isHidden: isPageHidden() };
    if (!this.#gone) this.#channel.postMessage(post);
  }

  /** Takes the lead from the tab that has it. */
  stealLock(): void {
    if (this.#gone || this.leads) return;
    this.#waiting.abort();
    this.#waiting = new AbortController();
    this.#request({ steal: true });
  }

  /** How many tabs wait for the lead: those that read along. */
  async others(): Promise<number> {
    const { pending } = await this.#browserApis.locks.query();
    return (pending ?? []).filter(({ name }) => name === this.#name).length;
  }

  leave(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#waiting.abort();
    this.#release?.();
    this.#channel.close();
  }

  #request(how: { steal?: boolean }): void {
    // A lock is either stolen or waited for.
    const options = how.steal === true ? { steal: true } : { signal: this.#waiting.signal };
    const holding = this.#browserApis.locks.request(this.#name, options, () => {
      if (this.#gone) return;
      return new Promise<void>((release) => {
        this.#release = release;
        this.#listener.lead();
      });
    });
    holding.catch(() => {
      // Given up while it waited, or taken while it was held.
      if (this.#gone || this.#release === null) return;
      this.#release = null;
      this.#waiting = new AbortController();
      this.#request({});
      this.#listener.demoted();
    });
  }
}

export function isPageHidden(): boolean {
  return globalThis.document?.hidden === true;
}
