// Asks the server again and again while the page is visible, but not before a refusal allows it.

export class PollLoop {
  readonly #interval_ms: number;
  readonly #read: () => Promise<number>;
  readonly #ended = new AbortController();
  #running = false;
  #inFlight = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The server asked to wait until then, by `performance.now()`. */
  #allowed_ms = 0;

  /** `read` sends one request, and returns for how many milliseconds the server wants no other one. */
  constructor(interval_ms: number, read: () => Promise<number>) {
    this.#interval_ms = interval_ms;
    this.#read = read;
    document.addEventListener('visibilitychange', () => void this.#poll(), { signal: this.#ended.signal });
  }

  get isRunning(): boolean {
    return this.#running;
  }

  get hasEnded(): boolean {
    return this.#ended.signal.aborted;
  }

  start(): void {
    if (this.#running || this.hasEnded) return;
    this.#running = true;
    void this.#poll();
  }

  pause(): void {
    this.#running = false;
    clearTimeout(this.#timer);
  }

  /** Stops for good. */
  end(): void {
    this.pause();
    this.#ended.abort();
  }

  async #poll(): Promise<void> {
    clearTimeout(this.#timer);
    if (!this.#running || this.#inFlight || document.hidden) return;
    const early_ms = this.#allowed_ms - performance.now();
    if (early_ms > 0) return this.#pollAfter(early_ms);
    this.#inFlight = true;
    const wait_ms = await this.#read();
    this.#allowed_ms = performance.now() + wait_ms;
    this.#inFlight = false;
    if (this.#running) this.#pollAfter(this.#interval_ms);
  }

  #pollAfter(ms: number): void {
    this.#timer = setTimeout(() => void this.#poll(), ms);
  }
}
