import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ServerClock } from '../src/lab/clock.ts';
import { Comparison } from '../src/lab/comparison.ts';
import { Lane } from '../src/lab/lane.ts';
import { type Cost, NO_COST, NO_FIGURES, type ShowFigures, type WatchFigures } from '../src/lab/ledger.ts';
import type { Position } from '../src/client/ingest.ts';
import type { CreateSource } from '../src/client/room-reader.ts';
import type { Sink } from '../src/client/sources/source.ts';
import type { Transport } from '../src/client/transport.ts';
import { batch } from './support.ts';

const SERVER_AHEAD_MS = 1_000_000_000_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A lane whose messages and figures the test controls. */
function createLane(clock: ServerClock) {
  let sink: Sink | undefined;
  let show: ShowFigures | undefined;
  let position: () => Position = () => ({ last: 0 });
  const createSource: CreateSource = (_transport, parts) => {
    sink = parts.sink;
    return { start: (from) => (position = from), stop: () => {}, reconnect: () => {} };
  };
  const watch: WatchFigures = (_client, _clock, tell) => {
    show = tell;
    return { start: () => {}, pause: () => {}, end: () => {} };
  };
  const lane = new Lane({ room: 'lobby', clock, createSource, watch });
  return {
    lane,
    /** Where the lane's source began. */
    position: () => position(),
    /** Delivers messages with these ids, published just now. */
    deliver(...ids: number[]) {
      const sent_at = new Date(performance.now() + SERVER_AHEAD_MS).toISOString();
      const { messages, ...rest } = batch(ids);
      sink?.batch({ ...rest, messages: messages.map((message) => ({ ...message, sent_at })) });
    },
    /** Sends a poll, whose answer has no message. */
    poll() {
      sink?.exchange({ kind: 'request' });
      sink?.link({ kind: 'live' });
    },
    /** Reports the server's count of messages, and of polls that stood in. */
    reportCount(transport: Transport, messages: number, polls: Partial<Cost> = {}) {
      const cost = { ...NO_COST, requests: messages, messages, wire_bytes: 100 * messages };
      show?.({
        ...NO_FIGURES,
        since: 'now',
        costs: { ...NO_FIGURES.costs, poll: { ...NO_COST, ...polls }, [transport]: cost },
      });
    },
  };
}

function twoLanes() {
  const clock = new ServerClock();
  clock.sample(performance.now(), performance.now(), performance.now() + SERVER_AHEAD_MS);
  const [left, right] = [createLane(clock), createLane(clock)];
  const comparison = new Comparison([left.lane, right.lane], () => {});
  left.lane.use('poll');
  right.lane.use('stream');
  vi.advanceTimersByTime(10);
  return { left, right, comparison };
}

describe('the comparison of lanes', () => {
  test('begins once all lanes have seen five of the same messages', () => {
    const { left, right, comparison } = twoLanes();
    expect(comparison.state.kind).toBe('opening');
    right.deliver(1, 2, 3, 4, 5);
    right.reportCount('stream', 5);
    left.deliver(1, 2, 3);
    left.reportCount('poll', 3);
    expect(comparison.state).toMatchObject({ kind: 'counting', seen: 3, needed: 5, nextPoll: null });
    left.deliver(4, 5);
    left.reportCount('poll', 5);
    expect(comparison.state.kind).toBe('compared');
  });

  test('waits while the server’s figures lag behind the messages seen', () => {
    const { left, right, comparison } = twoLanes();
    for (const each of [left, right]) each.deliver(1, 2, 3, 4, 5);
    expect(comparison.state).toMatchObject({ kind: 'counting', seen: 0, needed: 5, nextPoll: null });
    left.reportCount('poll', 5);
    right.reportCount('stream', 2);
    expect(comparison.state).toMatchObject({ kind: 'counting', seen: 2, needed: 5, nextPoll: null });
    right.reportCount('stream', 5);
    const { state } = comparison;
    expect(state.kind === 'compared' && state.verdict.perMessage !== null).toBe(true);
  });

  test('names the poll that messages wait for, if the interval is long', () => {
    const { left, right, comparison } = twoLanes();
    const deliverRight = (...ids: number[]) => {
      right.deliver(...ids);
      right.reportCount('stream', ids.at(-1) ?? 0);
    };
    const nextPoll = () => comparison.state.kind === 'counting' && comparison.state.nextPoll;
    left.lane.setInterval(60);
    left.poll();
    deliverRight(1, 2);
    vi.advanceTimersByTime(20_000);
    const lane = { transport: 'poll', protocol: null, side: null };
    expect(nextPoll()).toEqual({ lane, in_ms: 40_000 });
    left.deliver(1, 2);
    left.reportCount('poll', 2);
    expect(nextPoll()).toBeNull();
    deliverRight(3);
    left.lane.setInterval(2);
    left.poll();
    expect(nextPoll()).toBeNull();
  });

  test('begins again when a lane changes its transport, without the delays of the former one', () => {
    const { left, right, comparison } = twoLanes();
    right.deliver(1, 2, 3, 4, 5);
    right.reportCount('stream', 5);
    left.lane.use('stream');
    expect(comparison.state.kind).toBe('opening');
    expect(comparison.caveat).toBe('uneven');
    left.deliver(1, 2, 3, 4, 5);
    expect([comparison.getFigures(1)?.delay_ms, comparison.countMissing(0)]).toEqual([null, 0]);
    for (const each of [left, right]) {
      each.deliver(6, 7, 8, 9, 10);
      each.reportCount('stream', 10);
    }
    const { state } = comparison;
    expect(state.kind === 'compared' && state.verdict.perMessage?.arrival).toEqual({ kind: 'same' });
  });

  test('counts a message once that the server had to send twice', () => {
    const { left, right, comparison } = twoLanes();
    for (const each of [left, right]) each.deliver(1, 2, 3, 4, 5);
    left.reportCount('poll', 5);
    right.reportCount('stream', 6);
    const { state } = comparison;
    expect(state.kind === 'compared' && state.verdict.byRequests.map(({ messages }) => messages)).toEqual([
      5, 5,
    ]);
  });

  test('says that a setting was changed while it counted, until it starts over', () => {
    const changes: ((lane: Lane) => void)[] = [
      (lane) => lane.setInterval(20),
      (lane) => lane.network.setFault('slow'),
      (lane) => (lane.cookie_kib = 4),
      (lane) => lane.setParameters({ connection: 'close' }),
    ];
    for (const change of changes) {
      const { left, comparison } = twoLanes();
      expect(comparison.caveat).toBeNull();
      change(left.lane);
      expect(comparison.caveat).toBe('settings-changed');
      left.lane.network.setFault('healthy');
      expect(comparison.caveat).toBe('settings-changed');
      comparison.startOver();
      expect(comparison.caveat).toBeNull();
    }
  });

  test('does not mind a setting that does not affect the lane, or a fault that ends by itself', () => {
    const { right, comparison } = twoLanes();
    right.lane.setInterval(20);
    right.lane.setParameters({ connection: 'close' });
    right.lane.network.setFault('offline');
    expect(comparison.caveat).toBeNull();
  });

  test.each([
    ['a single poll that brought nothing', { requests: 1 }, false],
    ['a poll that brought something', { requests: 1, messages: 1 }, true],
    ['several polls', { requests: 2 }, true],
  ])('says whether polls stood in for a stream: %s', (_what, polls, polled) => {
    const { left, right, comparison } = twoLanes();
    for (const each of [left, right]) each.deliver(1, 2, 3, 4, 5);
    left.reportCount('poll', 5);
    right.reportCount('stream', 5, polls);
    const { state } = comparison;
    const named = state.kind === 'compared' ? state.verdict.byRequests : [];
    expect(named.find(({ transport }) => transport === 'stream')?.polled).toBe(polled);
  });

  test('starts over without messages that wait, for which no lane pays', () => {
    const { left, right, comparison } = twoLanes();
    for (const each of [left, right]) each.deliver(1, 2);
    right.deliver(3, 4, 5);
    expect(comparison.countMissing(0)).toBe(3);
    comparison.startOver();
    expect(left.position()).toEqual({ cursor: 'aaa-5' });
    expect([comparison.countMissing(0), comparison.countMissing(1)]).toEqual([0, 0]);
    // The last poll of the former client may have been on its way.
    left.deliver(3, 4, 5);
    expect([comparison.countMissing(0), comparison.countMissing(1)]).toEqual([0, 0]);
    expect(comparison.state.kind).toBe('opening');
    expect(comparison.caveat).toBeNull();
  });
});
