// The report: one self-contained HTML file.

import { formatCount } from '../../i18n/format.ts';
import { strings } from '../../i18n/index.ts';
import { LANGUAGE } from '../../i18n/language.ts';
import { FIGURES, type Result } from '../../lab/result/result.ts';
import type { Transport } from '../../client/transport.ts';
import { h } from '../dom.ts';
import { describeConditions, formatFigure, getFigureName } from './text.ts';

const STYLE = `
:root { color-scheme: light; }
body { max-width: 64rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif; color: #14201b; background: #fcfdfb; }
h1 { font-size: 1.25rem; } .sentence { font-size: 1.5rem; font-weight: 600; line-height: 1.3; }
table { border-collapse: collapse; margin: 1.5rem 0; } th, td { padding: 0.3rem 1rem; border-top: 1px solid #d5ded7; text-align: right; }
th:first-child { text-align: left; padding-left: 0; font-weight: 400; } thead th { border: 0; }
figure { margin: 1.5rem 0; } figure svg, figure img { max-width: 100%; height: auto; } dt { font-weight: 600; } dd { margin: 0 0 0.5rem; overflow-wrap: anywhere; }
[data-transport=poll] { color: #ad3c0e; } [data-transport=long-poll] { color: #1d55b4; } [data-transport=stream] { color: #006d58; }
@media print { body { margin: 0; } figure { break-inside: avoid; } }
`;

export interface ReportFigure {
  caption: string;
  picture: Element;
  /** The lanes of a plot, whose lines have their transports' colours. */
  lanes?: readonly { name: string; transport: Transport }[];
}

export function createReport(result: Result, figures: readonly ReportFigure[]): string {
  const { share } = strings;
  const page = document.implementation.createHTMLDocument(share.reportTitle(result.room));
  page.documentElement.lang = LANGUAGE;
  page.head.prepend(
    h('meta', { charset: 'utf-8' }),
    h('meta', { name: 'viewport', content: 'width=device-width' }),
  );
  page.body.append(
    h('h1', {}, share.reportTitle(result.room)),
    h('p', { class: 'sentence' }, result.sentence),
    result.caveat === null ? '' : h('p', {}, strings.caveats[result.caveat]),
    h(
      'table',
      {},
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          h('td'),
          ...result.lanes.map(({ name, transport }) =>
            h('th', { scope: 'col', 'data-transport': transport }, name),
          ),
        ),
      ),
      h(
        'tbody',
        {},
        ...FIGURES.map((figure) =>
          h(
            'tr',
            {},
            h('th', { scope: 'row' }, getFigureName(figure)),
            ...result.lanes.map((lane) => h('td', {}, formatFigure(figure, lane))),
          ),
        ),
      ),
    ),
    ...figures.map(({ caption, picture, lanes = [] }) => {
      const legend = lanes.flatMap(({ name, transport }) => [
        ' · ',
        h('span', { 'data-transport': transport }, name),
      ]);
      return h('figure', {}, h('figcaption', {}, caption, ...legend), picture);
    }),
    h('h2', {}, share.conditions),
    createConditions(result),
  );
  // Inserted as text, as the page's Content-Security-Policy also applies to this document and refuses inline styles.
  const html = page.documentElement.outerHTML.replace('</head>', `<style>${STYLE}</style></head>`);
  return `<!doctype html>\n${html}\n`;
}

function createConditions({ room, page, taken_at, lanes }: Result): HTMLElement {
  const { share } = strings;
  const rows: [string, string][] = [
    [strings.room, room],
    [share.takenAt, taken_at],
    ...lanes.map((lane): [string, string] => [
      lane.name,
      `${describeConditions(lane)} · ${strings.countedFor} ${lane.client}`,
    ]),
    [share.page, page],
    [share.browser, navigator.userAgent],
    [share.screen, `${formatCount(innerWidth)} × ${formatCount(innerHeight)}`],
  ];
  return h('dl', {}, ...rows.flatMap(([term, said]) => [h('dt', {}, term), h('dd', {}, said)]));
}
