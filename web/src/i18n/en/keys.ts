// English: the keyboard shortcuts.

export const keys = {
  title: 'Keys',
  present: 'Present mode',
  leavePresent: 'Leave present mode',
  acts: {
    P: 'present mode: the lanes alone, larger',
    T: 'start or stop a conversation',
    B: 'a burst of 200 messages',
    F: 'a buffering proxy before every lane, or healthy again',
    Space: 'pause the diagrams, or go on',
    Esc: 'leave present mode',
    '?': 'this list',
  } as Record<string, string>,
  on: 'Single keys work',
  close: 'Close',
};
