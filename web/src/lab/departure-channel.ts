// A channel on which tabs of one browser announce the clients that leave, to measure how long presence takes to notice.
// Without a BroadcastChannel, departures are not timed.

const CHANNEL = 'poll-vs-sse.departures';

interface DepartureNotice {
  clients: string[];
  /** In milliseconds since the Unix epoch, which is comparable across tabs. */
  at_ms: number;
}

/**
 * `leaving` lists the clients of this tab. `onLeave` is called for those of other tabs; `at_ms` is `performance.now()`.
 */
export function openDepartureChannel(
  leaving: () => string[],
  onLeave: (client: string, at_ms: number) => void,
): void {
  let channel: BroadcastChannel;
  try {
    channel = new BroadcastChannel(CHANNEL);
  } catch {
    return;
  }
  channel.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    const { clients, at_ms } = data as Partial<DepartureNotice>;
    if (!Array.isArray(clients) || typeof at_ms !== 'number') return;
    for (const client of clients) onLeave(String(client), at_ms - performance.timeOrigin);
  });
  window.addEventListener('pagehide', () => {
    const notice: DepartureNotice = {
      clients: leaving(),
      at_ms: performance.timeOrigin + performance.now(),
    };
    try {
      channel.postMessage(notice);
    } catch {
      // This departure is not timed.
    }
  });
}
