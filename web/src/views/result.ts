// The panel that exports the result: as text, as a report, as CSV or JSON, and the diagrams as a picture.

import { toCsv, toLaneResult, type Result } from '../lab/result/result.ts';
import { buildRoomUrl } from '../lab/room.ts';
import type { View } from '../lab/view.ts';
import { strings } from '../i18n/index.ts';
import { copyText } from './browser.ts';
import { getSentence } from './comparison.ts';
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
    lanes: lanes().map(({ lane, view }) => toLaneResult(lane, view.element.getAttribute('aria-label') ?? '')),
  };
}

/** Puts the button *Copy result* where the view has space for it. */
let placeCopy: (view: View) => void = () => {};

export const result: LabPlugin = {
  view: (_lanes, view) => placeCopy(view),
  page(page) {
    const { share } = strings;
    const announcement = h('p', { class: 'result-told', 'aria-live': 'polite' });
    const shown = h('textarea', {
      class: 'result-text',
      readonly: true,
      rows: 12,
      'aria-label': share.copyHere,
      hidden: true,
    });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const announce = (sentence: string) => {
      setText(announcement, sentence);
      clearTimeout(timer);
      timer = setTimeout(() => setText(announcement, ''), MESSAGE_MS);
    };
    const button = (label: string, work: () => void | Promise<void>) => {
      const element = h('button', { type: 'button', class: 'quiet' }, label);
      element.addEventListener('click', () => void work());
      return element;
    };
    const save = (content: string | Blob, type: string, extension: string) => {
      const blob = typeof content === 'string' ? new Blob([content], { type }) : content;
      const href = URL.createObjectURL(blob);
      const name = `poll-vs-sse-${page.room}-${new Date().toISOString().slice(0, 19).replaceAll(':', '')}`;
      h('a', { href, download: `${name}.${extension}` }).click();
      // By then the browser has begun to read it.
      setTimeout(() => URL.revokeObjectURL(href), 60_000);
      announce(share.saved);
    };
    const diagrams = () =>
      createPicture(
        page.lanes().flatMap(({ view }) => {
          const frame = view.places.diagram.querySelector('.tape-frame');
          const name = view.element.getAttribute('aria-label') ?? '';
          return frame === null ? [] : [{ name, frame }];
        }),
      );
    const withDiagrams = async (work: (drawn: SVGSVGElement) => void | Promise<void>) => {
      const drawn = diagrams();
      if (drawn === null) announce(share.nothingDrawn);
      else await work(drawn);
    };
    const copy = async () => {
      const content = formatResult(captureResult(page));
      const isCopied = await copyText(content);
      // Without a clipboard, the text is shown so that the user can copy it.
      shown.hidden = isCopied;
      if (isCopied) return sayCopied();
      shown.value = content;
      shown.focus();
      shown.select();
    };
    const copyButton = button(share.copyResult, copy);
    const copied = h('span', { class: 'visually-hidden', 'aria-live': 'polite' });
    let copiedTimer: ReturnType<typeof setTimeout> | undefined;
    const sayCopied = () => {
      setText(copyButton, share.copied);
      setText(copied, share.copied);
      clearTimeout(copiedTimer);
      copiedTimer = setTimeout(() => {
        setText(copyButton, share.copyResult);
        setText(copied, '');
      }, MESSAGE_MS);
    };
    const saveReport = () => {
      const drawn = diagrams();
      const figures: ReportFigure[] =
        drawn === null ? [] : [{ caption: strings.diagram.title, picture: drawn }];
      for (const { name, canvas } of getPlotPictures()) {
        const picture = h('img', { src: canvas.toDataURL('image/png'), alt: strings.plots.chart(name) });
        figures.push({ caption: name, picture });
      }
      save(createReport(captureResult(page), figures), 'text/html', 'html');
    };
    const buttons = h('div', { class: 'result-buttons' });
    const copyPlace = h('span', { class: 'result-copy' });
    placeCopy = (view) => (view === 'one' ? buttons : page.verdictActions).prepend(copyPlace);
    copyPlace.append(copyButton, copied);
    page.panels.add(
      'result',
      share.title,
      h('p', { class: 'explained' }, share.explained),
      buttons,
      announcement,
      shown,
    );
    buttons.append(
      button(share.saveReport, saveReport),
      button(share.saveCsv, () => save(toCsv(captureResult(page)), 'text/csv', 'csv')),
      button(share.saveJson, () =>
        save(`${JSON.stringify(captureResult(page), null, 2)}\n`, 'application/json', 'json'),
      ),
      button(share.saveSvg, () => withDiagrams((drawn) => save(serializeSvg(drawn), 'image/svg+xml', 'svg'))),
      button(share.savePng, () =>
        withDiagrams(async (drawn) => save(await renderPng(drawn), 'image/png', 'png')),
      ),
    );
  },
};
