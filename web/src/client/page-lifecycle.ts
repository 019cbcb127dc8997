// Detects that the page is hidden or shown, online again, awake after the machine slept, or restored from the
// back/forward cache.

export interface LifecycleListener {
  /** The page is hidden, or was already when watching began. */
  hidden?(): void;
  /** The page is visible again. `reconnect` or `resume` follows. */
  shown?(): void;
  /** Messages may have been missed. */
  reconnect(): void;
  /** The page slept or was offline: open connections may be dead. */
  resume(): void;
  /** The page is unloaded or goes into the back/forward cache, from which it may return. */
  suspend(): void;
}

/** The event targets to listen to; the browser's by default. */
export interface PageEvents {
  readonly document: Pick<Document, 'hidden' | 'addEventListener'>;
  readonly window: Pick<Window, 'addEventListener'>;
}

const TICK_MS = 5_000;
/** A timer this late means that the machine slept. Browsers delay timers of hidden pages by up to a minute. */
const SLEEP_THRESHOLD_MS = { visible: 20_000, hidden: 150_000 };

/** Returns a function that stops watching. Without a page only a sleep of the machine is detected. */
export function watchPageLifecycle(
  listener: LifecycleListener,
  page: PageEvents | null = getPageEvents(),
): () => void {
  const abort = new AbortController();
  const { signal } = abort;
  const isHidden = () => page?.document.hidden === true;
  if (isHidden()) listener.hidden?.();
  page?.document.addEventListener(
    'visibilitychange',
    () => {
      if (isHidden()) return listener.hidden?.();
      listener.shown?.();
      if (hasSlept()) listener.resume();
      else listener.reconnect();
    },
    { signal },
  );
  page?.window.addEventListener('online', () => listener.resume(), { signal });
  page?.window.addEventListener('pagehide', () => listener.suspend(), { signal });
  page?.window.addEventListener('pageshow', (event) => event.persisted && listener.resume(), { signal });

  // Uses the wall clock, as the monotonic clock may stand still while the machine sleeps.
  let last_tick_ms = Date.now();
  let wasHidden = isHidden();
  const hasSlept = (): boolean => {
    const gap_ms = Date.now() - last_tick_ms;
    const limit_ms = wasHidden || isHidden() ? SLEEP_THRESHOLD_MS.hidden : SLEEP_THRESHOLD_MS.visible;
    last_tick_ms = Date.now();
    wasHidden = isHidden();
    return gap_ms >= limit_ms;
  };
  const timer = setInterval(() => {
    if (hasSlept()) listener.resume();
  }, TICK_MS);
  return () => {
    clearInterval(timer);
    abort.abort();
  };
}

function getPageEvents(): PageEvents | null {
  const { document, window } = globalThis as Partial<typeof globalThis>;
  return document === undefined || window === undefined ? null : { document, window };
}
