// Exporting the result: as text, as a report, as CSV and JSON, as a picture, and in print.

import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from './support/suite.mjs';
import { until } from './support/wait.mjs';

const check = suite();
const SCREENSHOTS = fileURLToPath(new URL('./screenshots/', import.meta.url));
const BOTH = '?room=lesson&view=side-by-side';

/** Opens two lanes that have delivered the same messages, and waits for their figures. */
async function openComparedLanes({ server, open }, query = BOTH, options = {}) {
  const lab = await open(query, options);
  await lab.waitForBothLanes();
  for (let number = 0; number < 6; number++)
    await server.publish({ room: 'lesson', text: `message ${number}` });
  for (const lane of ['Polling', 'SSE'])
    await until(`${lane} has counted all messages`, async () => {
      const figures = Object.values(await lab.lane(lane).figures())[0];
      return figures?.Messages === 6 && figures['Delay (median)'] !== null;
    });
  return lab;
}

/** Clicks a button and reads the file that it saves. */
async function saveFile(lab, name) {
  const [download] = await Promise.all([
    lab.page.waitForEvent('download'),
    lab.page.getByRole('button', { name, exact: true }).click(),
  ]);
  return { name: download.suggestedFilename(), content: await readFile(await download.path()) };
}

check('Copy result puts a sentence, a table and the address on the clipboard', async (parts) => {
  const lab = await openComparedLanes(parts, BOTH, { permissions: ['clipboard-read', 'clipboard-write'] });
  await lab.page.getByRole('button', { name: 'Copy result', exact: true }).click();
  await lab.page.getByRole('button', { name: 'Result copied', exact: true }).waitFor();
  const text = await lab.page.evaluate(() => navigator.clipboard.readText());
  const [sentence, empty, head, ...rest] = text.split('\n');
  assert.match(sentence, /^(Polling|SSE) .*\.$/);
  assert.equal(empty, '');
  assert.match(head, /^ +Polling +SSE$/);
  const row = (name) => rest.find((line) => line.startsWith(`${name} `));
  assert.match(row('Messages'), /^Messages +6 +6$/);
  assert.match(row('Wire bytes'), /^Wire bytes +[\d,]+ +[\d,]+$/);
  // Columns are aligned.
  assert.equal(row('Messages').length, head.length);
  assert.ok(text.includes('room=lesson'), text);
  await lab.expectNoErrors();
});

check('without a clipboard the result is shown for copying', async (parts) => {
  const lab = await openComparedLanes(parts);
  await lab.page.evaluate(() => {
    navigator.clipboard.writeText = () => Promise.reject(new Error('refused'));
  });
  await lab.page.getByRole('button', { name: 'Copy result', exact: true }).click();
  const shown = lab.page.getByRole('textbox', { name: 'The result, to copy from here' });
  await shown.waitFor();
  assert.match(await shown.inputValue(), /Messages +6 +6/);
});

check('CSV and JSON have the figures of the Cost tables', async (parts) => {
  const lab = await openComparedLanes(parts);
  const { name, content } = await saveFile(lab, 'Save as JSON');
  assert.match(name, /^poll-vs-sse-lesson-.*\.json$/);
  const result = JSON.parse(content);
  assert.equal(result.room, 'lesson');
  assert.deepEqual(
    result.lanes.map(({ transport, messages }) => [transport, messages]),
    [
      ['poll', 6],
      ['stream', 6],
    ],
  );
  for (const lane of result.lanes) {
    const { transports } = await parts.server.ledger(lane.client);
    const counted = transports[lane.transport];
    // Polls continue while the test reads.
    assert.ok(lane.requests <= counted.requests && lane.requests > 0);
    assert.ok(lane.wire_bytes <= counted.wire_bytes_in + counted.wire_bytes_out);
  }
  const rows = (await saveFile(lab, 'Save as CSV')).content.toString().trimEnd().split('\r\n');
  assert.equal(rows.length, 3);
  const [columns, polling] = rows.map((row) => row.split(','));
  const cell = (column) => polling[columns.indexOf(column)];
  assert.deepEqual([cell('transport'), cell('messages'), cell('interval_s')], ['poll', '6', '2']);
  assert.equal(Number(cell('bytes_per_message')), Math.round(Number(cell('wire_bytes')) / 6));
  await lab.expectNoErrors();
});

check('the report is one self-contained file', async (parts) => {
  const lab = await openComparedLanes(parts);
  // The plots are created a moment after the page.
  await until('there are plots', async () => (await lab.page.locator('.plot canvas').count()) === 3);
  const { name, content } = await saveFile(lab, 'Save report');
  assert.match(name, /\.html$/);
  const file = join(tmpdir(), `${process.pid}-${name}`);
  await writeFile(file, content);
  const reader = await lab.context.newPage();
  const asked = [];
  reader.on('request', (request) => asked.push(request.url()));
  await reader.goto(`file://${file}`);
  assert.deepEqual(
    asked.filter((address) => !address.startsWith('data:') && !address.startsWith('file:')),
    [],
  );
  assert.match(await reader.locator('.sentence').textContent(), /^(Polling|SSE) /);
  assert.deepEqual(
    await reader
      .getByRole('row', { name: /^Messages/ })
      .getByRole('cell')
      .allTextContents(),
    ['6', '6'],
  );
  assert.ok((await reader.locator('figure svg').first().boundingBox()).height > 100);
  assert.equal(await reader.locator('figure img').count(), 3);
  assert.ok(
    await reader.locator('figure img').evaluateAll((all) => all.every((each) => each.naturalWidth > 0)),
  );
  await mkdir(SCREENSHOTS, { recursive: true });
  await reader.screenshot({ path: `${SCREENSHOTS}report.png`, fullPage: true });
  await lab.expectNoErrors();
});

check('the diagrams are saved as a self-contained picture', async (parts) => {
  const lab = await openComparedLanes(parts);
  const { content } = await saveFile(lab, 'Save diagram as SVG');
  const svg = content.toString();
  assert.match(svg, /^<svg [^>]*xmlns="http:\/\/www.w3.org\/2000\/svg"/);
  // It contains both lanes, and needs no stylesheet.
  for (const lane of ['>Polling<', '>SSE<']) assert.ok(svg.includes(lane), lane);
  for (const lifeline of ['Browser', 'Server'])
    assert.match(svg, new RegExp(`text-anchor="middle"[^>]*>${lifeline}<`));
  assert.doesNotMatch(svg, /class=|var\(/);
  const png = (await saveFile(lab, 'Save diagram as PNG')).content;
  assert.equal(png.subarray(1, 4).toString(), 'PNG');
  await mkdir(SCREENSHOTS, { recursive: true });
  await writeFile(`${SCREENSHOTS}diagram.png`, png);
  await writeFile(`${SCREENSHOTS}diagram.svg`, svg);
  await lab.expectNoErrors();
});

check('print shows the whole conversation, all costs and the plots', async (parts) => {
  const lab = await openComparedLanes(parts, BOTH, { colorScheme: 'dark' });
  for (let number = 6; number < 60; number++)
    await parts.server.publish({ room: 'lesson', text: `message ${number}` });
  for (const lane of ['Polling', 'SSE'])
    await until('all messages are shown', async () => (await lab.lane(lane).texts()).includes('message 59'));
  await until('there are plots', async () => (await lab.page.locator('.plot canvas').count()) === 3);
  await lab.page.emulateMedia({ media: 'print', colorScheme: 'dark' });
  for (const lane of ['Polling', 'SSE']) {
    const { log, cost } = lab.lane(lane);
    const hidden = await log.evaluate((element) => {
      const clips = getComputedStyle(element).overflowY !== 'visible';
      const box = element.getBoundingClientRect();
      return [...element.querySelectorAll('.message')].filter((row) => {
        const { top, bottom, height } = row.getBoundingClientRect();
        return height === 0 || (clips && (bottom > box.bottom || top < box.top));
      }).length;
    });
    assert.equal(hidden, 0, lane);
    assert.ok(await cost.isVisible(), `the cost of ${lane}`);
  }
  // Controls and the moving diagrams are not printed, nor what explains them.
  for (const selector of [
    '.settings',
    '.speech',
    '#result',
    '.lifelines',
    '.diagram .key',
    '.diagram .explained',
  ])
    assert.equal(await lab.page.locator(selector).first().isVisible(), false, selector);
  // Print uses light colours.
  const [red] = await lab.page.evaluate(() =>
    getComputedStyle(document.documentElement).backgroundColor.match(/\d+/g).map(Number),
  );
  assert.ok(red > 240);
  const widest = await lab.page
    .locator('.plot canvas')
    .evaluateAll((all) => Math.max(...all.map((canvas) => canvas.getBoundingClientRect().right)));
  assert.ok(widest <= 1280, `${widest}`);
  await mkdir(SCREENSHOTS, { recursive: true });
  await lab.page.screenshot({ path: `${SCREENSHOTS}print.png`, fullPage: true });
  const pdf = await lab.page.pdf({ format: 'A4' });
  await writeFile(`${SCREENSHOTS}print.pdf`, pdf);
});
