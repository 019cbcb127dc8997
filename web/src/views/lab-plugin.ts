// What a part of the page implements to stand beside the conversations.

import type { PageSettings } from '../lab/page-settings.ts';
import type { View } from '../lab/view.ts';
import type { ShownLane } from './lane-view.ts';
import type { Panels } from './panels.ts';

export interface LabPage {
  room: string;
  /** What the address asks of the page. */
  asked: PageSettings;
  panels: Panels;
  /** In the page's head: what concerns everything that is shown. */
  tools: HTMLElement;
  /** Beside the sentence about several lanes; not on the page while there is one. */
  verdictActions: HTMLElement;
  /** The lanes of the view that is shown. */
  lanes(): readonly ShownLane[];
}

export interface LabPlugin {
  /** A lane has been made; it does not read yet. */
  lane?(shown: ShownLane): void;
  /** The page is built; no lane reads yet. */
  page?(page: LabPage): void;
  /** Other lanes are shown and have begun to read; all others rest. */
  view?(lanes: readonly ShownLane[], view: View): void;
}
