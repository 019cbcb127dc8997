// Leader election and messages among the tabs of one browser that share a stream.
//
// The leader holds a Web Lock. The browser grants it to the next tab when a tab closes or crashes, and another tab can
// steal it from a leader that has gone silent. Messages go over a BroadcastChannel.

import { type BrowserApis, isAbort, isPageHidden } from '../browser-apis.ts';
import type { Batch } from '../message.ts';
import type { Presence } from '../presence.ts';
import type { Link } from '../sources/source.ts';
import type { Transport } from '../transport.ts';
import type { Follower } from './followers.ts';

/** From the leader. `newest` is the id of its newest message before this one. */
export type LeaderMessage =
  | { kind: 'here'; client: string; newest: number; link: Link; presence: Presence | null }
  | { kind: 'link'; client: string; link: Link }
  | { kind: 'batch'; client: string; newest: number; batch: Batch; by: Transport | undefined }
  | { kind: 'presence'; client: string; presence: Presence }
  | { kind: 'activity'; client: string }
  /** Asks every follower to announce itself. */
  | { kind: 'rollCall'; client: string };

/** From a follower: it has joined, it leaves, or it wants the connection closed. */
export type FollowerMessage =
  ({ kind: 'announce' } & Follower) | { kind: 'bye'; client: string } | { kind: 'restart' };

export interface TabsListener {
  /** This tab has become the leader. */
  promoted(): void;
  /** Another tab has become the leader in place of this one. */
  demoted(): void;
  /** `isHidden`: the sender is hidden, so the browser slows its timers and polls. */
  leaderMessage(leaderMessage: LeaderMessage, isHidden: boolean): void;
  followerMessage(followerMessage: FollowerMessage): void;
}

interface Envelope {
  message: LeaderMessage | FollowerMessage;
  isHidden: boolean;
}

interface LockRequest {
  steal?: boolean;
}

export class Tabs {
  readonly #locks: LockManager | null;
  readonly #name: string;
  readonly #listener: TabsListener;
  readonly #channel: BroadcastChannel | null;
  #waitAbort = new AbortController();
  #isStealing = false;
  #release: (() => void) | null = null;
  /** The request by which this tab holds the lock. */
  #heldRequest: LockRequest | null = null;
  #isClosed = false;

  constructor(name: string, browserApis: BrowserApis, listener: TabsListener) {
    this.#name = name;
    this.#locks = browserApis.locks;
    this.#listener = listener;
    this.#channel = this.#openChannel(browserApis);
    if (this.#channel === null || this.#locks === null) queueMicrotask(() => this.#leadAlone());
    else this.#request({});
  }

  get isLeader(): boolean {
    return this.#release !== null;
  }

  broadcast(message: LeaderMessage | FollowerMessage): void {
    if (this.#isClosed) return;
    const envelope: Envelope = { message, isHidden: isPageHidden() };
    try {
      this.#channel?.postMessage(envelope);
    } catch {
      // Other tabs replace a leader that sends nothing.
    }
  }

  /** Takes the lock from the leader. If the browser never answered the last attempt, this tab reads alone. */
  stealLock(): void {
    if (this.#isClosed || this.isLeader) return;
    if (this.#isStealing) return this.#leadAlone();
    this.#isStealing = true;
    this.#waitAbort.abort();
    this.#waitAbort = new AbortController();
    this.#request({ steal: true });
  }

  /** The number of tabs that wait for the lock: the followers. */
  async countFollowers(): Promise<number> {
    try {
      const { pending } = (await this.#locks?.query()) ?? {};
      return (pending ?? []).filter(({ name }) => name === this.#name).length;
    } catch {
      return 0;
    }
  }

  leave(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#waitAbort.abort();
    this.#release?.();
    this.#channel?.close();
  }

  #openChannel({ channel: open }: BrowserApis): BroadcastChannel | null {
    try {
      const channel = open?.(this.#name) ?? null;
      if (channel === null) return null;
      channel.onmessage = ({ data: { message, isHidden } }: MessageEvent<Envelope>) => {
        if (this.#isClosed) return;
        if (message.kind === 'announce' || message.kind === 'bye' || message.kind === 'restart')
          this.#listener.followerMessage(message);
        else this.#listener.leaderMessage(message, isHidden);
      };
      return channel;
    } catch {
      return null;
    }
  }

  #request(request: LockRequest): void {
    void this.#hold(request).catch((error: unknown) => {
      if (this.#isClosed) return;
      if (this.#heldRequest !== request) {
        // Aborted in order to steal the lock, or refused.
        if (!isAbort(error)) this.#leadAlone();
        return;
      }
      // Another tab has stolen the lock.
      this.#heldRequest = null;
      this.#release = null;
      this.#waitAbort = new AbortController();
      this.#request({});
      this.#listener.demoted();
    });
  }

  async #hold(request: LockRequest): Promise<void> {
    // `steal` and `signal` may not be combined.
    const options = request.steal === true ? { steal: true } : { signal: this.#waitAbort.signal };
    await this.#locks?.request(this.#name, options, () => {
      if (this.#isClosed || this.isLeader) return;
      this.#heldRequest = request;
      return new Promise<void>((release) => this.#lead(release));
    });
  }

  /** Without locks or a channel each tab reads for itself. */
  #leadAlone(): void {
    if (!this.#isClosed && !this.isLeader) this.#lead(() => {});
  }

  #lead(release: () => void): void {
    this.#isStealing = false;
    this.#release = release;
    this.#listener.promoted();
  }
}
