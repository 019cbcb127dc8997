// English: the guided tour.

export const tour = {
  tour: 'Tour',
  step: (step: number, steps: number) => `Step ${step} of ${steps}`,
  back: 'Back',
  next: 'Next',
  done: 'Done',
  skip: 'Skip the tour',
  steps: {
    post: {
      title: 'Post',
      text: 'Write your name and a message, and press Enter. The server keeps it in its log; this page then has to hear of it like everybody else.',
    },
    watch: {
      title: 'Watch',
      text: 'Choose Side by side, or go on and it is chosen for you, and say something again. Both lanes read the same log. The one that polls learns of it with its next request, the stream at once: see the delay on each message.',
    },
    burst: {
      title: 'Burst',
      text: 'Press Burst of 200. The stream gets each message as it comes; the poller gets a pile in one answer. When much is said, asking now and then is cheap.',
    },
    cut: {
      title: 'Cut the network',
      text: 'Choose what goes wrong under Network, lane by lane. Watch who notices, how long it takes, and that no message is lost or comes twice.',
    },
    cutWithout: {
      title: 'Cut the network',
      text: 'Take this device off its network for some seconds, or stop the server and start it again. Watch who notices, how long it takes, and that no message is lost or comes twice.',
    },
    bill: {
      title: 'Read the bill',
      text: 'What it took, counted by the server to the byte. The sentence between two lanes says what their figures say, whoever wins. Start over to count another case.',
    },
  },
};
