// English: a lane's network, and the notices about it.

import { formatCount, formatSeconds } from '../format.ts';
import type { Fault } from '../../lab/fault.ts';

const s = (value: number) => `${formatSeconds(value)} s`;

export const network = {
  network: 'Network',
  networks: {
    healthy: 'Healthy',
    buffer: 'Buffering proxy',
    cut: 'Cut after 5 s',
    slow: 'Slow link',
    offline: 'Offline for 5 s',
    restart: 'Server restart',
  } satisfies Record<Fault, string>,
  expect: {
    healthy: 'Nothing goes wrong between this lane and the server.',
    buffer:
      'A proxy holds each answer back until 16 KiB have gathered or it has ended: a stream never ends and goes mute, while a poll’s answer ends and passes.',
    cut: 'Every connection is cut 5 s after it first asks: a stream reconnects from its last message, a waiting long-poll is lost and asked again, and a poll only opens another connection.',
    slow: 'Answers begin 0.3 s late and trickle at 2 KiB a second: everything comes late, and later still the more there is to say.',
    offline:
      'This lane alone has no network for 5 s: what is open breaks off, nothing new begins, and then each transport fetches what it missed.',
    restart:
      'The server closes all connections of this lane at once: a stream and a waiting long-poll break off and reconnect, and a poll that is just asking is asked again.',
  } satisfies Record<Fault, string>,
  silentFor: (silent_s: number, of_s: number) =>
    `The stream has been silent for ${formatCount(silent_s)} of ${s(of_s)}; after that this lane polls.`,
  healthyIn: (left_s: number) => `Healthy again in ${s(left_s)}.`,
  healthyAgain: 'Healthy again.',
  muteAfter: 'Mute after',
  secondsUnit: 's',
  muteExplained:
    'A stream that brings nothing for that time, not even a keep-alive, is mute: this lane then polls, and tries the stream again from time to time.',

  fallback: {
    mute: 'Polling in place of a mute stream',
    crowded: 'Polling for want of a connection',
    shared: (polls: boolean): string =>
      polls ? 'Polling through another tab' : 'Streaming over SSE through another tab',
    sharing: 'Streaming over SSE for other tabs too',
  },
  /** Longer explanations of the fallbacks. */
  notice: {
    mute: (idle_s: number, again_s: number) =>
      `The stream was open and brought nothing for ${s(idle_s)}, not even a keep-alive; something on the way holds it back. ` +
      `This lane polls in the meantime and tries the stream again ${again_s > 0 ? `in ${s(again_s)}` : 'now'}.`,
    crowdedStreams:
      'Over HTTP/2 a connection carries a hundred streams, for all of a browser’s tabs together, and whatever needs one more waits without an error. ' +
      'Other tabs hold those that can be spared, so this lane polls until one is free; closing a tab frees it.',
    crowded:
      'Over HTTP/1.1 a browser opens six connections to one server, for all its tabs together, and whatever needs a seventh waits without an error. ' +
      'Other tabs hold those that can be spared, so this lane polls until one is free; closing a tab frees it.',
    shared: (polls: boolean): string =>
      `This tab shares the stream of another tab${polls ? ', which polls in its place at the moment' : ''}. The bill is on client`,
    sharing: (tabs: number) =>
      `This tab’s stream is shared: ${formatCount(tabs)} other ${tabs === 1 ? 'tab reads' : 'tabs read'} along, and the bill is on this tab’s client.`,
  },
};
