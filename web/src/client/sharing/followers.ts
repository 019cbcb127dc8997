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
  others: () => Promise<number>;
  counted: (others: number) => void;
  /** Asks each follower to announce itself. */
  callRoll: () => void;
  /** Sends the server the list of all followers. */
  report: (followers: Follower[]) => void;
}

export class Followers {
  readonly #options: FollowersOptions;
  readonly #known = new Map<string, Follower>();
  #others = 0;
  #isLive = false;
  /** The last list sent. The server keeps it until the stream closes. */
  #reported = '[]';
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Incremented when this tab stops leading, so that counts still running are ignored. */
  #run = 0;

  constructor(options: FollowersOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#others;
  }

  /** Call when this tab becomes the leader. */
  begin(): void {
    this.#options.callRoll();
    this.prune();
  }

  add(follower: Follower): void {
    this.#known.set(follower.client, follower);
    this.prune();
  }

  remove(client: string): void {
    this.#known.delete(client);
    this.prune();
  }

  /** Whether the stream is open. When it closes, the server forgets its followers. */
  setActive(isLive: boolean): void {
    if (isLive && !this.#isLive) this.#reported = '[]';
    this.#isLive = isLive;
    if (isLive) this.prune();
  }

  /** Counts now, and again after a delay in which new followers request the lock. */
  prune(): void {
    void this.#count();
    this.#schedulePrune(COUNT_DELAY_MS);
  }

  close(): void {
    this.#run += 1;
    clearTimeout(this.#timer);
    this.#known.clear();
    this.#others = 0;
    this.#isLive = false;
  }

  #schedulePrune(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#prune(), ms);
  }

  async #prune(): Promise<void> {
    const run = this.#run;
    await this.#count();
    if (run !== this.#run) return;
    if (this.#others < this.#known.size) {
      this.#known.clear();
      this.#options.callRoll();
      // Each announcement starts a new count.
      return this.#schedulePrune(COUNT_DELAY_MS);
    }
    this.#report();
    if (this.#others > 0) this.#schedulePrune(COUNT_INTERVAL_MS);
  }

  #report(): void {
    if (!this.#isLive) return;
    const followers = [...this.#known.values()].sort((one, other) => (one.client < other.client ? -1 : 1));
    const report = JSON.stringify(followers);
    if (report === this.#reported) return;
    this.#reported = report;
    this.#options.report(followers);
  }

  async #count(): Promise<void> {
    const run = this.#run;
    const others = await this.#options.others();
    if (run !== this.#run || others === this.#others) return;
    this.#others = others;
    this.#options.counted(others);
  }
}
