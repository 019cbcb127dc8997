// Where the page begins: read the address, then open the room it names or say why that cannot be.

import { roomFrom } from './lab/room.ts';
import { LANGUAGE } from './i18n/language.ts';
import { showInvalidRoom } from './views/invalid-room.ts';
import { showFatalError } from './views/fatal-error.ts';
import { openRoom } from './views/page.ts';
import { skipLinks } from './views/skip-links.ts';

document.documentElement.lang = LANGUAGE;

const app = document.getElementById('app');
if (app !== null) {
  const choice = roomFrom(location.search);
  try {
    if (choice.ok) {
      openRoom(app, choice.room);
      app.prepend(skipLinks());
    } else showInvalidRoom(app, choice.given);
  } catch (error) {
    showFatalError(app);
    throw error;
  }
}
