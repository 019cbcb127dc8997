// What stands on the page beside the conversations. Each part attaches itself here, and only here, to lanes and to
// the page; it listens by `lane.subscribe` and builds into the places it is given.

import type { View } from '../lab/view.ts';
import type { ShownLane } from './lane-view.ts';
import { network } from './network.ts';
import type { Panels } from './panels.ts';
import { pictures } from './timeline.ts';
import { planner } from './planner.ts';

export interface LabPage {
  room: string;
  panels: Panels;
  /** The lanes of the view that is shown. */
  lanes(): readonly ShownLane[];
}

export interface Attachment {
  /** A lane has been made; it does not read yet. */
  lane?(shown: ShownLane): void;
  /** The page is built; no lane reads yet. */
  page?(page: LabPage): void;
  /** Other lanes are shown and have begun to read; all others rest. */
  view?(lanes: readonly ShownLane[], view: View): void;
}

const ATTACHED: readonly Attachment[] = [network, pictures, planner];

export const attach: Required<Attachment> = {
  lane: (shown) => ATTACHED.forEach((each) => each.lane?.(shown)),
  page: (page) => ATTACHED.forEach((each) => each.page?.(page)),
  view: (lanes, view) => ATTACHED.forEach((each) => each.view?.(lanes, view)),
};
