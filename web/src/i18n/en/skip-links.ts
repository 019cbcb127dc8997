// English: skip links.

export const skipLinks = {
  title: 'Skip to',
  to: {
    write: 'Write a message',
    messages: 'Skip to the messages',
    below: 'Skip to plots and Planner',
  },
};
