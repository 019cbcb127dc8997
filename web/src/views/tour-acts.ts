// The actions of the tour's steps. Each returns its outcome as a sentence.

import type { Lane } from '../lab/lane.ts';
import { formatTimeDifference, formatCount } from '../i18n/format.ts';
import { strings } from '../i18n/index.ts';
import { BURST_SIZE } from '../lab/traffic.ts';
import type { View } from '../lab/view.ts';
import type { Transport } from '../client/transport.ts';
import type { PageLane } from './lane-view.ts';
import type { NarrowTabs } from './narrow.ts';

/** A lane with the transport that it uses or, before it has started, will use. */
type TourLane = PageLane & { transport: Transport };

/** The parts of the page that the tour uses. */
export interface TourStage {
  lanes(): readonly TourLane[];
  readonly view: View;
  choose(view: View): void;
  readonly tabs: Pick<NarrowTabs, 'chosen' | 'choose'>;
  /** Returns null when the server has the message, or a sentence that says why not. */
  post(text: string): Promise<string | null>;
  /** Returns null when all messages are published, or a sentence that says why not. */
  burst(): Promise<string | null>;
}

/** `signal` aborts the act if the user goes to another step. `report` gets the outcome so far, if it takes longer. */
export type TourAct = (
  stage: TourStage,
  signal: AbortSignal,
  report: (outcome: string) => void,
) => Promise<string>;

const POLLS_WATCHED = 3;
/** A lane with a long interval takes longer for its polls, and one without polls never has enough of them. */
const MAX_WATCH_MS = 10_000;

const getName = ({ view }: PageLane) => view.element.getAttribute('aria-label') ?? '';

/** Resolves with one result per lane, which `watch` passes to `report`. `watch` returns a function that stops it. */
function waitForEach<Result>(
  stage: TourStage,
  signal: AbortSignal,
  watch: (lane: TourLane, report: (result: Result) => void) => () => void,
): Promise<Result[]> {
  return Promise.all(
    stage.lanes().map(
      (lane) =>
        new Promise<Result>((resolve, reject) => {
          const end = watch(lane, (result) => {
            end();
            resolve(result);
          });
          signal.addEventListener('abort', () => {
            end();
            reject(signal.reason);
          });
        }),
    ),
  );
}

/** The outcome, or the sentence that says why there will be none. */
function orFailure(outcome: Promise<string>, posted: Promise<string | null>): Promise<string> {
  return Promise.race([outcome, posted.then((failure) => failure ?? outcome)]);
}

/** Posts a message and measures how long each lane takes to show it. */
function postAndWait(stage: TourStage, signal: AbortSignal, text: string): Promise<string> {
  const posted_ms = performance.now();
  const seen = waitForEach<number>(stage, signal, ({ lane }, report) =>
    lane.subscribe({
      messages(seen, _transport, at_ms) {
        if (seen.some(({ message }) => message.text === text)) report(at_ms - posted_ms);
      },
    }),
  );
  const outcome = seen.then((delays) =>
    formatOutcome(stage, (at) =>
      strings.tour.saw(formatTimeDifference(delays[at] ?? 0, strings.diagram.secondsUnit)),
    ),
  );
  return orFailure(outcome, stage.post(text));
}

/** A part of a tour step that counts each lane's requests from its beginning on. */
interface RequestCount {
  isEnough(since: { requests: number; messages: number }, lane: TourLane): boolean;
  say(requests: number, empty: number): string;
  /** Ends the count even if it is not enough. */
  limit_ms?: number;
  report?: (outcome: string) => void;
}

async function countRequests(
  stage: TourStage,
  signal: AbortSignal,
  { isEnough, say, limit_ms, report }: RequestCount,
): Promise<string> {
  const before = new Map(stage.lanes().map(({ lane }) => [lane, lane.stats.chosenTransport.cost]));
  const since = (lane: Lane) => {
    const { requests, empty, messages } = lane.stats.chosenTransport.cost;
    const at = before.get(lane);
    return {
      requests: requests - (at?.requests ?? 0),
      empty: empty - (at?.empty ?? 0),
      messages: messages - (at?.messages ?? 0),
    };
  };
  const describe = () =>
    formatOutcome(stage, (at) => {
      const lane = stage.lanes()[at]?.lane;
      const { requests, empty } = lane === undefined ? { requests: 0, empty: 0 } : since(lane);
      return say(requests, empty);
    });
  await waitForEach<void>(stage, signal, (shown, done) => {
    const timer = limit_ms === undefined ? undefined : setTimeout(done, limit_ms);
    const unsubscribe = shown.lane.subscribe({
      stats: () => {
        report?.(describe());
        if (isEnough(since(shown.lane), shown)) done();
      },
    });
    return () => {
      clearTimeout(timer);
      unsubscribe();
    };
  });
  return describe();
}

function formatOutcome(stage: TourStage, say: (at: number) => string): string {
  return `${stage
    .lanes()
    .map((shown, at) => `${getName(shown)}: ${say(at)}`)
    .join('; ')}.`;
}

export const ACTS = {
  post: (stage, signal) => postAndWait(stage, signal, strings.tour.hello),

  watch(stage, signal, report) {
    const from = new Map(stage.lanes().map(({ lane }) => [lane, lane.stats.chosenTransport.cost.requests]));
    const hasPolled = ({ lane, transport }: TourLane) =>
      transport !== 'poll' ||
      lane.stats.chosenTransport.cost.requests - (from.get(lane) ?? 0) >= POLLS_WATCHED;
    // Every lane is watched until those that poll have polled enough.
    const isEnough = () => {
      const lanes = stage.lanes();
      return lanes.some(({ transport }) => transport === 'poll') && lanes.every(hasPolled);
    };
    return countRequests(stage, signal, {
      isEnough,
      say: strings.tour.asked,
      limit_ms: MAX_WATCH_MS,
      report,
    });
  },

  burst(stage, signal) {
    const outcome = countRequests(stage, signal, {
      isEnough: ({ messages }) => messages >= BURST_SIZE,
      say: (requests) => strings.tour.burstCost(formatCount(BURST_SIZE), requests),
    });
    return orFailure(outcome, stage.burst());
  },

  cut(stage, signal) {
    for (const { lane } of stage.lanes()) lane.network.interrupt('offline');
    return postAndWait(stage, signal, strings.tour.meanwhile);
  },
} satisfies Record<string, TourAct>;
