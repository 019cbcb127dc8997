// The actions of the tour's steps. Each returns its outcome as a sentence.

import type { Lane } from '../lab/lane.ts';
import { formatTimeDifference, formatCount } from '../i18n/format.ts';
import { strings } from '../i18n/index.ts';
import { BURST_SIZE } from '../lab/traffic.ts';
import type { View } from '../lab/view.ts';
import type { PageLane } from './lane-view.ts';
import type { NarrowTabs } from './narrow.ts';

/** The parts of the page that the tour uses. */
export interface TourStage {
  lanes(): readonly PageLane[];
  readonly view: View;
  choose(view: View): void;
  readonly tabs: Pick<NarrowTabs, 'chosen' | 'choose'>;
  /** Returns null when the server has the message, or a sentence that says why not. */
  post(text: string): Promise<string | null>;
  /** Returns null when all messages are published, or a sentence that says why not. */
  burst(): Promise<string | null>;
}

/** `signal` aborts the act if the user goes to another step. */
export type TourAct = (stage: TourStage, signal: AbortSignal) => Promise<string>;

const POLLS_WATCHED = 3;

const getName = ({ view }: PageLane) => view.element.getAttribute('aria-label') ?? '';

/** Resolves with one result per lane, which `watch` passes to `report`. `watch` returns a function that stops it. */
function waitForEach<Result>(
  stage: TourStage,
  signal: AbortSignal,
  watch: (lane: Lane, report: (result: Result) => void) => () => void,
): Promise<Result[]> {
  return Promise.all(
    stage.lanes().map(
      ({ lane }) =>
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
  const seen = waitForEach<number>(stage, signal, (lane, report) =>
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

/** Counts each lane's requests from now on, until `isEnough`. */
async function countRequests(
  stage: TourStage,
  signal: AbortSignal,
  isEnough: (since: { requests: number; messages: number }, lane: Lane) => boolean,
  say: (requests: number, empty: number) => string,
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
  await waitForEach<void>(stage, signal, (lane, report) =>
    lane.subscribe({ stats: () => isEnough(since(lane), lane) && report() }),
  );
  return formatOutcome(stage, (at) => {
    const lane = stage.lanes()[at]?.lane;
    const { requests, empty } = lane === undefined ? { requests: 0, empty: 0 } : since(lane);
    return say(requests, empty);
  });
}

function formatOutcome(stage: TourStage, say: (at: number) => string): string {
  return `${stage
    .lanes()
    .map((shown, at) => `${getName(shown)}: ${say(at)}`)
    .join('; ')}.`;
}

export const ACTS = {
  post: (stage, signal) => postAndWait(stage, signal, strings.tour.hello),

  watch(stage, signal) {
    const polling = stage.lanes().find(({ lane }) => lane.transport === 'poll')?.lane;
    const from = polling?.stats.chosenTransport.cost.requests ?? 0;
    // Every lane is watched until the polling lane has polled enough; without one, until there are figures.
    const isEnough = (_since: unknown, lane: Lane) =>
      polling === undefined
        ? lane.stats.since !== null
        : polling.stats.chosenTransport.cost.requests - from >= POLLS_WATCHED;
    return countRequests(stage, signal, isEnough, strings.tour.asked);
  },

  burst(stage, signal) {
    const outcome = countRequests(
      stage,
      signal,
      ({ messages }) => messages >= BURST_SIZE,
      (requests) => strings.tour.burstCost(formatCount(BURST_SIZE), requests),
    );
    return orFailure(outcome, stage.burst());
  },

  cut(stage, signal) {
    for (const { lane } of stage.lanes()) lane.network.interrupt('offline');
    return postAndWait(stage, signal, strings.tour.meanwhile);
  },
} satisfies Record<string, TourAct>;
