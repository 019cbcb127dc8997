// Notices that the page has come back: shown again, back on a network, awake after a sleep of the machine or out of
// the browser's cache of pages.

export interface LifecycleListener {
  /** The page is out of sight. */
  hidden?(): void;
  /** The page is in sight again. One of the next two follows. */
  shown?(): void;
  /** Messages may have been missed. */
  reconnect(): void;
  /** Nothing that was open before can be relied on. */
  resume(): void;
  /** The page is being put away and may come back. */
  suspend(): void;
}

/** The parts of a page that tell; a browser's own by default. */
export interface PageEvents {
  readonly document: Pick<Document, 'hidden' | 'addEventListener'>;
  readonly window: Pick<Window, 'addEventListener'>;
}

const TICK_MS = 5_000;
/** Timers of a hidden page may come a minute late without any sleep. */
const ASLEEP_MS = { visible: 20_000, hidden: 150_000 };

/** Returns how to end it. Without a page there is nothing to notice but a sleep of the machine. */
export function watchPageLifecycle(
  listener: LifecycleListener,
  page: PageEvents | null = pageEvents(),
): () => void {
  const ended = new AbortController();
  const { signal } = ended;
  const isHidden = () => page?.document.hidden === true;
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

  // By the wall clock: the monotonic one may stand still while the machine sleeps.
  let ticked = Date.now();
  let wasHidden = isHidden();
  const hasSlept = (): boolean => {
    const gap_ms = Date.now() - ticked;
    const limit_ms = wasHidden || isHidden() ? ASLEEP_MS.hidden : ASLEEP_MS.visible;
    ticked = Date.now();
    wasHidden = isHidden();
    return gap_ms >= limit_ms;
  };
  const timer = setInterval(() => {
    if (hasSlept()) listener.resume();
  }, TICK_MS);
  return () => {
    clearInterval(timer);
    ended.abort();
  };
}

function pageEvents(): PageEvents | null {
  const { document, window } = globalThis as Partial<typeof globalThis>;
  return document === undefined || window === undefined ? null : { document, window };
}
