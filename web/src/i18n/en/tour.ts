// English: the guided tour.

import { formatCount } from '../format.ts';

export const tour = {
  tour: 'Tour',
  step: (step: number, steps: number) => `Step ${step} of ${steps}`,
  back: 'Back',
  next: 'Next',
  done: 'Done',
  skip: 'Skip the tour',
  author: 'tour',
  hello: 'Hello from the tour.',
  meanwhile: 'Posted while the network was cut.',
  acting: 'Watching…',
  notPosted: (detail: string | null) => `Not posted: ${detail ?? 'the server could not be reached.'}`,
  saw: (delay: string) => `seen after ${delay}`,
  asked: (requests: number, empty: number) =>
    `${formatCount(requests)} ${requests === 1 ? 'request' : 'requests'}` +
    (requests === 0 ? '' : `, ${empty === 0 ? 'none' : formatCount(empty)} for nothing`),
  burstCost: (messages: string, requests: number) =>
    requests === 0
      ? `${messages} messages without asking`
      : `${messages} messages with ${formatCount(requests)} ${requests === 1 ? 'request' : 'requests'}`,
  steps: {
    post: {
      title: 'Post',
      text: 'The page posts a message. The server keeps it in its log, and this page has to hear of it like any other reader.',
    },
    watch: {
      title: 'Watch',
      text: 'A lane that polls goes on asking, whether there is anything new or not; a stream was asked for once and has nothing to ask.',
    },
    burst: {
      title: 'Burst',
      text: 'The page posts 200 messages at once. A stream brings each as it comes; a poll brings a pile in one answer. When much is said, asking now and then is cheap.',
    },
    cut: {
      title: 'Cut the network',
      text: 'Every lane is cut off for 5 s, and a message is posted just then. It is not lost: each lane fetches it when it is back, and shows it once.',
    },
    bill: {
      title: 'Read the bill',
      text: 'The sentence says what the server’s figures say, for either side. Start over to count another case.',
    },
  },
};
