// Waits for a condition, and never for an amount of time.

const EVERY_MS = 25;

/** Calls `condition` until it returns a truthy value, and returns that. `what` describes it in the error message. */
export async function until(what, condition, timeout_ms = 60_000) {
  const end = performance.now() + timeout_ms;
  let last;
  for (;;) {
    last = await condition();
    if (last) return last;
    if (performance.now() > end) throw new Error(`not within ${timeout_ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}

/** Rejects if `promise` takes longer than `timeout_ms`. */
export async function within(timeout_ms, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`took longer than ${timeout_ms} ms: ${what}`)), timeout_ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
