// Those who read along with the stream of this tab: how many they are, and who, which the server is told, as it sees
// one reader only.

/** One that reads along. */
export interface Follower {
  client: string;
  /** The name of its user; null where it is not known. */
  author: string | null;
}

/** How long after one was heard of the tabs are counted again. */
const COUNT_DELAY_MS = 500;
/** A tab that crashed says no goodbye. */
const COUNT_INTERVAL_MS = 15_000;

export interface FollowersOptions {
  /** How many tabs wait for the lead. */
  others: () => Promise<number>;
  counted: (others: number) => void;
  /** Has each say anew that it is there. */
  callRoll: () => void;
  /** Tells the server who they are, all of them. */
  report: (followers: Follower[]) => void;
}

export class Followers {
  readonly #options: FollowersOptions;
  readonly #known = new Map<string, Follower>();
  #others = 0;
  #isLive = false;
  /** What the server knows, for as long as the stream is open that it was told of. */
  #reported = '[]';
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** What was begun before the lead ended is of no interest any more. */
  #run = 0;

  constructor(options: FollowersOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#others;
  }

  /** This tab leads from now on. */
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

  /** Whether the stream is open: with it the server forgets who read along. */
  setActive(isLive: boolean): void {
    if (isLive && !this.#isLive) this.#reported = '[]';
    this.#isLive = isLive;
    if (isLive) this.prune();
  }

  /** Counts now, and once more when those that were just heard of wait for the lead. */
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
      // Who answers is heard, and then it is looked again; if nobody does, that is the answer.
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
