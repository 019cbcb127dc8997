// The panel that exports the result: as text, as a report, as CSV or JSON, and the diagrams as a picture.

import { toCsv, toLaneResult, type Result } from '../lab/result/result.ts';
import { buildRoomUrl } from '../lab/room.ts';
import type { View } from '../lab/view.ts';
import { strings } from '../i18n/index.ts';
import { copyText } from './browser.ts';
import { getCaveat, getSentence } from './comparison.ts';
import { h, setText } from './dom.ts';
import type { LabPage, LabPlugin } from './lab-plugin.ts';
import { createPicture, renderPng, serializeSvg } from './result/picture.ts';
import { type ReportFigure, createReport } from './result/report.ts';
import { formatResult } from './result/text.ts';
import { getPlotPictures } from './timeline.ts';

const MESSAGE_MS = 3_000;

function captureResult({ room, lanes }: LabPage): Result {
  return {
    room,
    page: buildRoomUrl(room, location.href),
    taken_at: new Date().toISOString(),
    sentence: getSentence(lanes().map(({ lane }) => lane)),
    caveat: getCaveat(lanes().map(({ lane }) => lane)),
    lanes: lanes().map(({ lane, view }) => toLaneResult(lane, view.element.getAttribute('aria-label') ?? '')),
  };
}

/** Puts the button *Copy result* where the view has space for it. */
let placeCopy: (view: View) => void = () => {};

export const result: LabPlugin = {
  view: (_lanes, view) => placeCopy(view),
  page(page) {
    const { share } = strings;
    const message = createMessage();
    const shown = h('textarea', {
      class: 'result-text',
      readonly: true,
      rows: 12,
      'aria-label': share.copyHere,
      hidden: true,
    });
    const save = (content: string | Blob, type: string, extension: string) => {
      saveFile(page.room, content, type, extension);
      message.show(share.saved);
    };
    const withDiagrams = async (work: (diagrams: SVGSVGElement) => void | Promise<void>) => {
      const diagrams = drawDiagrams(page);
      if (diagrams === null) message.show(share.nothingDrawn);
      else await work(diagrams);
    };
    const saveReport = () =>
      save(createReport(captureResult(page), createFigures(page)), 'text/html', 'html');
    const saveCsv = () => save(toCsv(captureResult(page)), 'text/csv', 'csv');
    const saveJson = () => {
      const json = `${JSON.stringify(captureResult(page), null, 2)}\n`;
      save(json, 'application/json', 'json');
    };
    const saveSvg = () => withDiagrams((drawn) => save(serializeSvg(drawn), 'image/svg+xml', 'svg'));
    const savePng = () => withDiagrams(async (drawn) => save(await renderPng(drawn), 'image/png', 'png'));

    const buttons = h('div', { class: 'result-buttons' });
    const copyPlace = h('span', { class: 'result-copy' });
    placeCopy = (view) => (view === 'one' ? buttons : page.verdictActions).prepend(copyPlace);
    copyPlace.append(...createCopyButton(page, shown));
    page.panels.add(
      'result',
      share.title,
      h('p', { class: 'explained' }, share.explained),
      buttons,
      message.element,
      shown,
    );
    buttons.append(
      createButton(share.saveReport, saveReport),
      createButton(share.saveCsv, saveCsv),
      createButton(share.saveJson, saveJson),
      createButton(share.saveSvg, saveSvg),
      createButton(share.savePng, savePng),
    );
  },
};

/** A live region whose message disappears after a while. */
function createMessage(): { element: HTMLElement; show: (sentence: string) => void } {
  const element = h('p', { class: 'result-told', 'aria-live': 'polite' });
  let timer: ReturnType<typeof setTimeout> | undefined;
  return {
    element,
    show(sentence) {
      setText(element, sentence);
      clearTimeout(timer);
      timer = setTimeout(() => setText(element, ''), MESSAGE_MS);
    },
  };
}

function createButton(label: string, work: () => void | Promise<void>): HTMLButtonElement {
  const button = h('button', { type: 'button', class: 'quiet' }, label);
  button.addEventListener('click', () => void work());
  return button;
}

/** The button *Copy result* with its live region. Without a clipboard it shows the text in `shown` for copying. */
function createCopyButton(page: LabPage, shown: HTMLTextAreaElement): HTMLElement[] {
  const { copyResult, copied } = strings.share;
  const announcement = h('span', { class: 'visually-hidden', 'aria-live': 'polite' });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const button = createButton(copyResult, async () => {
    const content = formatResult(captureResult(page));
    const isCopied = await copyText(content);
    shown.hidden = isCopied;
    if (!isCopied) {
      shown.value = content;
      shown.focus();
      return shown.select();
    }
    setText(button, copied);
    setText(announcement, copied);
    clearTimeout(timer);
    timer = setTimeout(() => {
      setText(button, copyResult);
      setText(announcement, '');
    }, MESSAGE_MS);
  });
  return [button, announcement];
}

/** The diagrams of all lanes as one picture; null if none has drawn anything yet. */
function drawDiagrams({ lanes }: LabPage): SVGSVGElement | null {
  return createPicture(
    lanes().flatMap(({ view }) => {
      const frame = view.places.diagram.querySelector('.tape-frame');
      const name = view.element.getAttribute('aria-label') ?? '';
      return frame === null ? [] : [{ name, frame }];
    }),
  );
}

/** The diagrams and the plots, for the report. */
function createFigures(page: LabPage): ReportFigure[] {
  const diagrams = drawDiagrams(page);
  const all = page.lanes().map(({ lane, view, first }) => ({
    name: view.element.getAttribute('aria-label') ?? '',
    transport: lane.transport ?? first,
  }));
  // As in the plots, the line of a later lane with the same transport has rings.
  const lanes = all.map(({ name, transport }, at) => {
    const hasRings = all.slice(0, at).some((earlier) => earlier.transport === transport);
    return { name: hasRings ? `○ ${name}` : name, transport };
  });
  const plots = getPlotPictures().map(({ name, canvas }) => ({
    caption: name,
    lanes,
    picture: h('img', { src: canvas.toDataURL('image/png'), alt: strings.plots.chart(name) }),
  }));
  return diagrams === null ? plots : [{ caption: strings.diagram.title, picture: diagrams }, ...plots];
}

function saveFile(room: string, content: string | Blob, type: string, extension: string): void {
  const blob = typeof content === 'string' ? new Blob([content], { type }) : content;
  const href = URL.createObjectURL(blob);
  const name = `poll-vs-sse-${room}-${new Date().toISOString().slice(0, 19).replaceAll(':', '')}`;
  h('a', { href, download: `${name}.${extension}` }).click();
  // By then the browser has begun to read it.
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
