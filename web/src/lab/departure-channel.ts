// Tabs of one browser tell each other which clients leave and when, to measure how long the room takes to notice.
// Without a channel between tabs, departures are not timed.

const CHANNEL = 'poll-vs-sse.openDepartureChannel';

interface DepartureNotice {
  clients: string[];
  /** By the clock that all tabs share, in milliseconds since the Unix epoch. */
  at_ms: number;
}

/** `leaving` lists the clients of this tab. `heard` is called for those of others, with `performance.now()` time. */
export function openDepartureChannel(
  leaving: () => string[],
  heard: (client: string, at_ms: number) => void,
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
    for (const client of clients) heard(String(client), at_ms - performance.timeOrigin);
  });
  window.addEventListener('pagehide', () => {
    const notice: DepartureNotice = {
      clients: leaving(),
      at_ms: performance.timeOrigin + performance.now(),
    };
    try {
      channel.postMessage(notice);
    } catch {
      // Then this departure is not timed.
    }
  });
}
