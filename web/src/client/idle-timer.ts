// Fires if `reset` is not called for a while. It restarts its timer only when that fires, so `reset` is cheap.

export class IdleTimer {
  readonly #limit_ms: () => number;
  readonly #onExpired: () => void;
  #reset_ms = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Calls `onExpired` once for each period of `limit_ms` without a `reset`. */
  constructor(limit_ms: () => number, onExpired: () => void) {
    this.#limit_ms = limit_ms;
    this.#onExpired = onExpired;
  }

  get idle_ms(): number {
    return performance.now() - this.#reset_ms;
  }

  /** Starts the period again. */
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
    else this.#onExpired();
  }
}
