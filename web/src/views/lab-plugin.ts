// The interface of the parts that extend the lanes and the page.

import type { PageSettings } from '../lab/page-settings.ts';
import type { View } from '../lab/view.ts';
import type { PageLane } from './lane-view.ts';
import type { Panels } from './panels.ts';

export interface LabPage {
  room: string;
  /** The page's settings in the URL. */
  settings: PageSettings;
  panels: Panels;
  /** In the page's header: controls of the whole page. */
  tools: HTMLElement;
  /** Beside the verdict; not on the page in the view with one lane. */
  verdictActions: HTMLElement;
  /** The lanes of the current view. */
  lanes(): readonly PageLane[];
  /** Says that the address contains a parameter with an unknown value. */
  reportUnknown(name: string, value: string): void;
}

export interface LabPlugin {
  /** A lane was created, and does not read yet. */
  lane?(shown: PageLane): void;
  /** The page is built, and no lane reads yet. */
  page?(page: LabPage): void;
  /** The view has changed to these lanes. */
  view?(lanes: readonly PageLane[], view: View): void;
}
