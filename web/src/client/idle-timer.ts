// Notices when nothing has arrived for too long. It sets its timer again only when that fires, so that `reset` is cheap.

export class IdleTimer {
  readonly #limit_ms: () => number;
  readonly #expired: () => void;
  #reset_ms = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `expired` is called once for each silence of `limit_ms`. */
  constructor(limit_ms: () => number, expired: () => void) {
    this.#limit_ms = limit_ms;
    this.#expired = expired;
  }

  get idle_ms(): number {
    return performance.now() - this.#reset_ms;
  }

  /** Something has arrived, or is expected from now on. */
  reset(): void {
    this.#reset_ms = performance.now();
    this.#timer ??= setTimeout(() => this.#check(), this.#limit_ms());
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #check(): void {
    this.#timer = undefined;
    const left_ms = this.#limit_ms() - this.idle_ms;
    if (left_ms > 0) this.#timer = setTimeout(() => this.#check(), left_ms);
    else this.#expired();
  }
}
