// Entry point: opens the room that the page's URL names, or shows why it cannot.

import { parseRoom } from './lab/room.ts';
import { LANGUAGE } from './i18n/language.ts';
import { showFatalError } from './views/fatal-error.ts';

document.documentElement.lang = LANGUAGE;

const app = document.getElementById('app');
if (app !== null) void start(app);

/** Loads the rest of the page here, so that a failure in an old browser can be reported. */
async function start(app: HTMLElement): Promise<void> {
  try {
    const choice = parseRoom(location.search);
    if (choice.ok) {
      const [{ openRoom }, { createSkipLinks }] = await Promise.all([
        import('./views/page.ts'),
        import('./views/skip-links.ts'),
      ]);
      openRoom(app, choice.room, import.meta.url);
      app.prepend(createSkipLinks());
    } else (await import('./views/invalid-room.ts')).showInvalidRoom(app, choice.given);
  } catch (error) {
    showFatalError(app);
    throw error;
  }
}
