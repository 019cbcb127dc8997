// English: the traffic control.

import { formatCount } from '../format.ts';
import type { PublishFailure } from '../../lab/publish.ts';
import type { TrafficEnd, Pattern } from '../../lab/traffic.ts';

/** The messages of a chatty room, repeated in turn. */
const LINES = [
  'Is the bus here yet?',
  'Two stops away.',
  'Then I can finish my tea.',
  'What kind?',
  'Barley. It is all there was.',
  'Bring an umbrella, it looks grey.',
  'It always looks grey.',
  'Here it comes.',
];

function describeFailure({ why, detail, retryAfter_s }: PublishFailure): string {
  switch (why) {
    case 'unauthorized':
      return 'The server asks for a token, and got none that is still valid.';
    case 'forbidden':
      return 'This token does not allow you to write in this room.';
    case 'limited':
      return `The server takes no more at the moment${retryAfter_s === 0 ? '' : `; again in ${formatCount(retryAfter_s)} s`}.`;
    case 'away':
      return 'The server cannot store messages at the moment.';
    default:
      return detail ?? 'The server could not be reached.';
  }
}

export const traffic = {
  traffic: 'Traffic',
  trafficExplained: 'Messages this page really publishes, as “traffic”, so that there is something to see.',
  patterns: { quiet: 'Quiet', chatty: 'Chatty room', burst: 'Burst of 200', steady: 'Steady rate' },
  rate: { messages: 'Messages ', perSecond: 'per second' },
  trafficAuthor: 'traffic',
  trafficText: (pattern: Pattern, number: number) =>
    pattern === 'chatty' ? (LINES[(number - 1) % LINES.length] ?? '') : `${pattern} ${number}`,
  trafficProgress: (published: number, failed: number) =>
    `${formatCount(published)} published${failed === 0 ? '' : `, ${formatCount(failed)} failed`}`,
  trafficEnded: (how: TrafficEnd, progress: string, minutes: number, messages: number) =>
    ({
      done: `Done: ${progress}.`,
      stopped: `Stopped: ${progress}.`,
      hidden: `Stopped as the page was out of sight: ${progress}.`,
      limit: `Stopped after ${formatCount(minutes)} minutes or ${formatCount(messages)} messages: ${progress}.`,
      failed: `Stopped: ${progress}. ${how.kind === 'failed' ? describeFailure(how.why) : ''}`,
    })[how.kind],
};
