// Notices that the page has come back: shown again, back on a network, awake after a sleep of the machine or out of
// the browser's cache of pages.

export interface LifecycleListener {
  /** Something may have been missed: look whether all is well. */
  reconnect(): void;
  /** Nothing that was open before is to be relied on. */
  resume(): void;
  /** The page is being put away and may come back. */
  suspend(): void;
}

const TICK_MS = 5_000;
/** Timers of a hidden page may come a minute late without any sleep. */
const ASLEEP_MS = { visible: 20_000, hidden: 150_000 };

export function watchPageLifecycle(sleeper: LifecycleListener): void {
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) return;
    if (!hasSlept()) sleeper.reconnect();
  });
  window.addEventListener('online', () => sleeper.resume());
  window.addEventListener('pagehide', () => sleeper.suspend());
  window.addEventListener('pageshow', (event) => {
    if (event.persisted) sleeper.resume();
  });

  // By the wall clock: the other one may stand still while the machine sleeps.
  let ticked = Date.now();
  let wasHidden = document.hidden;
  const hasSlept = (): boolean => {
    const gap_ms = Date.now() - ticked;
    const limit_ms = wasHidden || document.hidden ? ASLEEP_MS.hidden : ASLEEP_MS.visible;
    ticked = Date.now();
    wasHidden = document.hidden;
    if (gap_ms < limit_ms) return false;
    sleeper.resume();
    return true;
  };
  setInterval(hasSlept, TICK_MS);
}
