// The tabs that follow this tab's stream: how many there are, and their clients. The server sees only the leader, which
// reports the others to it.

/** A tab that follows another tab's stream. */
export interface Follower {
  client: string;
  /** The name of its user; null if it is unknown. */
  author: string | null;
}

/** From a follower's message to the next count. */
const COUNT_DELAY_MS = 500;
/** Between counts without messages, as a crashed tab sends none. */
const COUNT_INTERVAL_MS = 15_000;

export interface FollowersOptions {
  /** Counts the tabs that wait for the lock. */
  countFollowers: () => Promise<number>;
  onCount: (count: number) => void;
  /** Asks each follower to announce itself. */
  callRoll: () => void;
  /** Sends the server the list of all followers. */
  report: (followers: Follower[]) => void;
}

export class Followers {
  readonly #options: FollowersOptions;
  readonly #known = new Map<string, Follower>();
  #count = 0;
  #isLive = false;
  /** The last list sent. The server keeps it until the stream closes. */
  #reported = '[]';
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Incremented when this tab stops leading, so that counts still running are ignored. */
  #generation = 0;

  constructor(options: FollowersOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#count;
  }

  /** Call when this tab becomes the leader. */
  begin(): void {
    this.#options.callRoll();
    this.#recount();
  }

  add(follower: Follower): void {
    this.#known.set(follower.client, follower);
    this.#recount();
  }

  remove(client: string): void {
    this.#known.delete(client);
    this.#recount();
  }

  /** Whether the stream is open. When it closes, the server forgets its followers. */
  setActive(isLive: boolean): void {
    if (isLive && !this.#isLive) this.#reported = '[]';
    this.#isLive = isLive;
    if (isLive) this.#recount();
  }

  /** Counts now, and again after a delay in which new followers request the lock. */
  #recount(): void {
    void this.#updateCount();
    this.#schedulePrune(COUNT_DELAY_MS);
  }

  close(): void {
    this.#generation += 1;
    clearTimeout(this.#timer);
    this.#known.clear();
    this.#count = 0;
    this.#isLive = false;
  }

  #schedulePrune(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#prune(), ms);
  }

  async #prune(): Promise<void> {
    const generation = this.#generation;
    await this.#updateCount();
    if (generation !== this.#generation) return;
    if (this.#count < this.#known.size) {
      this.#known.clear();
      this.#options.callRoll();
      // Each announcement starts a new count.
      return this.#schedulePrune(COUNT_DELAY_MS);
    }
    this.#report();
    if (this.#count > 0) this.#schedulePrune(COUNT_INTERVAL_MS);
  }

  #report(): void {
    if (!this.#isLive) return;
    const followers = [...this.#known.values()].sort((one, other) => (one.client < other.client ? -1 : 1));
    const report = JSON.stringify(followers);
    if (report === this.#reported) return;
    this.#reported = report;
    this.#options.report(followers);
  }

  async #updateCount(): Promise<void> {
    const generation = this.#generation;
    const count = await this.#options.countFollowers();
    if (generation !== this.#generation || count === this.#count) return;
    this.#count = count;
    this.#options.onCount(count);
  }
}
