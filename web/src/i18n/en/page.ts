// English: the page's header, its views and the room form.

export const page = {
  title: (room: string) => `${room} · poll vs sse`,
  wordmark: { poll: 'poll', vs: 'vs', sse: 'sse' },

  room: 'Room',
  roomRule: '1 to 64 letters (A to Z), digits, hyphens and underscores',
  go: 'Go',
  copyLink: 'Copy link',
  linkCopied: 'Link copied',
  linkIs: 'The link to this room:',

  lanes: 'Lanes',
  settings: 'Settings',
  token: 'Token',
  useToken: 'Use token',
  tokenInUse: 'A token is sent.',
  language: 'Language',
  tabs: { title: 'Show', diagram: 'Diagram', conversation: 'Conversation' },

  badRoomTitle: 'No such room',
  quoted: (given: string) => `“${given}”`,
  badRoom: 'is not a valid name of a room: use 1 to 64 letters (A to Z), digits, hyphens and underscores.',
  badRoomWayOn: 'Go to the lobby',
  badRoomOther: 'Or go to another room:',
};
