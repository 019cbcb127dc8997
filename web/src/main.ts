// Where the page begins: read the address, then open the room it names or say why that cannot be.

import { roomFrom } from './room.ts';
import { LANGUAGE } from './strings/language.ts';
import { refuseRoom } from './ui/bad-room.ts';
import { tellFailure } from './ui/failed.ts';
import { openRoom } from './ui/page.ts';

document.documentElement.lang = LANGUAGE;

const app = document.getElementById('app');
if (app !== null) {
  const choice = roomFrom(location.search);
  try {
    if (choice.ok) openRoom(app, choice.room);
    else refuseRoom(app, choice.given);
  } catch (error) {
    tellFailure(app);
    throw error;
  }
}
