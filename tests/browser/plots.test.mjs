// The plots over time, their description in words, and their pauses.

import assert from 'node:assert/strict';
import { suite } from './support/suite.mjs';
import { until } from './support/wait.mjs';

const check = suite();

const plots = (lab) => lab.page.getByRole('region', { name: 'Over time' });
const words = (lab) => plots(lab).getByRole('list').last().getByRole('listitem').allTextContents();

/** The totals of lane `name` as `{ requests, bytes }`, parsed from the plots' sentences. */
async function total(lab, name) {
  const sentence = (await words(lab)).find((each) => each.startsWith(`${name}: `)) ?? '';
  const [, requests, bytes] = /: ([\d,]+) requests?, ([\d,]+) bytes/.exec(sentence) ?? [];
  return { requests: Number(requests?.replaceAll(',', '')), bytes: Number(bytes?.replaceAll(',', '')) };
}

/** For each plot, the number of drawn pixels and their mean brightness. */
function measureDrawnPixels(lab) {
  return plots(lab)
    .locator('canvas')
    .evaluateAll((canvases) =>
      canvases.map((canvas) => {
        // A copy, as reading the canvas itself would slow down the plot.
        const copy = new OffscreenCanvas(Math.max(canvas.width, 1), Math.max(canvas.height, 1));
        const context = copy.getContext('2d', { willReadFrequently: true });
        context.drawImage(canvas, 0, 0);
        const { data } = context.getImageData(0, 0, copy.width, copy.height);
        let [pixels, sum] = [0, 0];
        for (let at = 0; at < data.length; at += 4) {
          if (data[at + 3] < 200) continue;
          pixels += 1;
          sum += data[at] + data[at + 1] + data[at + 2];
        }
        return { pixels, brightness: sum / pixels };
      }),
    );
}

/** Hides or shows the page, as if the user had switched tabs. */
async function hide(lab, hidden) {
  await lab.page.evaluate((is) => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => is });
    document.dispatchEvent(new Event('visibilitychange'));
  }, hidden);
}

check('a line has rings as soon as another lane has the same transport', async ({ open }) => {
  /** Records which plots draw circles. */
  const watchCircles = () => {
    const { arc } = CanvasRenderingContext2D.prototype;
    globalThis.circled = new Set();
    CanvasRenderingContext2D.prototype.arc = function (...given) {
      globalThis.circled.add(this.canvas.closest('.plot')?.dataset.measure);
      return arc.apply(this, given);
    };
  };
  const lab = await open('?view=side-by-side', { before: watchCircles });
  const haveRings = () => lab.page.evaluate(() => globalThis.circled.has('requests'));
  await plots(lab).locator('canvas').first().scrollIntoViewIfNeeded();
  await until('both lanes have figures', async () => (await total(lab, 'SSE')).requests > 0);
  assert.equal(await haveRings(), false);
  await lab.lane('Polling').transport('SSE').check();
  await plots(lab).locator('canvas').first().scrollIntoViewIfNeeded();
  await until('the line has rings', haveRings);
});

check('both lanes are plotted, and their totals equal the ledger', async ({ server, open }) => {
  const lab = await open('?view=side-by-side');
  await lab.waitForBothLanes();
  const [left, right] = [lab.lane('Polling'), lab.lane('SSE')];
  await left.setInterval(30);
  for (const text of ['one', 'two', 'three']) await server.publish({ text });
  await right.expectTexts(['one', 'two', 'three']);
  await plots(lab).scrollIntoViewIfNeeded();
  await until('three plots are drawn', async () => {
    const drawn = await measureDrawnPixels(lab);
    return drawn.length === 3 && drawn.every(({ pixels }) => pixels > 200);
  });
  for (const [name, transport, lane] of [
    ['Polling', 'poll', left],
    ['SSE', 'stream', right],
  ]) {
    const client = await lane.client();
    await until(`${name} matches the ledger`, async () => {
      const counted = (await server.ledger(client)).transports[transport];
      const { requests, bytes } = await total(lab, name);
      return requests === counted.requests && bytes === counted.wire_bytes_in + counted.wire_bytes_out;
    });
  }
  await until('the messages are counted', async () =>
    (await words(lab)).includes('3 messages were published.'),
  );
  for (const window of ['5 min', '15 min', '1 min']) {
    await plots(lab).getByRole('combobox', { name: 'Last' }).selectOption(window);
    await until(`${window} is drawn`, async () =>
      (await measureDrawnPixels(lab)).every(({ pixels }) => pixels > 200),
    );
  }
  await lab.expectNoErrors();
});

check('plots pause while the tab is hidden, and say so', async ({ open }) => {
  const lab = await open();
  await lab.setInterval(0.25);
  await plots(lab).scrollIntoViewIfNeeded();
  await until('some is counted', async () => (await total(lab, 'Polling')).requests >= 4);
  await hide(lab, true);
  const asked = async () => (await lab.figures()).Polling.Requests;
  const before = await asked();
  await hide(lab, false);
  await until('the plots mention the pause', async () =>
    (await words(lab)).some((each) =>
      /^Paused from \d\d:\d\d:\d\d to \d\d:\d\d:\d\d, while this tab was hidden\.$/.test(each),
    ),
  );
  const { requests } = await total(lab, 'Polling');
  await until('counting continues', async () => (await total(lab, 'Polling')).requests > requests);
  assert.ok((await asked()) > before);
  await lab.expectNoErrors();
});

check('every line is in the legend and in words, by the name of its lane', async ({ open }) => {
  const lab = await open('?view=side-by-side', { reducedMotion: 'reduce' });
  await lab.waitForBothLanes();
  await until('the stream is counted', async () => (await total(lab, 'SSE')).requests === 1);
  await lab.lane('SSE').transport('Polling').check();
  await lab.lane('Polling (right)').setInterval(0.25);
  await until('the polls are counted', async () => (await total(lab, 'Polling (right)')).requests >= 3);
  assert.equal((await total(lab, 'SSE (lane now Polling (right))')).requests, 1);
  const legend = plots(lab).locator('.plot-legend li');
  assert.deepEqual(await legend.allTextContents(), [
    'Polling',
    'Polling (right)',
    'SSE (lane now Polling (right))',
  ]);
  // Rings distinguish two lines of the same transport.
  assert.deepEqual(await legend.evaluateAll((items) => items.map((item) => 'ring' in item.dataset)), [
    false,
    true,
    false,
  ]);
  await lab.expectNoErrors();
});

check('plots use other colours in dark mode', async ({ open }) => {
  const lab = await open();
  await lab.setInterval(0.25);
  await plots(lab).scrollIntoViewIfNeeded();
  const last = async () => (await measureDrawnPixels(lab)).at(-1);
  await until('it is drawn', async () => (await last())?.pixels > 200);
  const { brightness } = await last();
  await lab.page.emulateMedia({ colorScheme: 'dark' });
  // Only drawn pixels count, not the background.
  await until('it is drawn in other colours', async () => (await last()).brightness < brightness - 100);
  await lab.expectNoErrors();
});

check('rare polls are drawn as bars, not as slopes between them', async ({ open }) => {
  const lab = await open('?interval=5');
  await plots(lab).scrollIntoViewIfNeeded();
  await until('three polls are counted', async () => (await total(lab, 'Polling')).requests >= 3);
  // The height of the polling line at each horizontal position.
  const heights = async () =>
    plots(lab)
      .locator('canvas')
      .first()
      .evaluate((canvas) => {
        const copy = new OffscreenCanvas(Math.max(canvas.width, 1), Math.max(canvas.height, 1));
        const context = copy.getContext('2d', { willReadFrequently: true });
        context.drawImage(canvas, 0, 0);
        const { data, width, height } = context.getImageData(0, 0, copy.width, copy.height);
        const highest = [];
        for (let x = 0; x < width; x++)
          for (let y = 0; y < height; y++) {
            const [red, green, blue, alpha] = data.subarray(4 * (y * width + x), 4 * (y * width + x) + 4);
            if (alpha < 128 || red < green + 60 || red < blue + 60) continue;
            highest.push(y);
            break;
          }
        return highest;
      });
  const drawn = await until('the line is drawn', async () => {
    const all = await heights();
    return all.length > 30 && Math.max(...all) - Math.min(...all) > 10 && all;
  });
  const [top, bottom] = [Math.min(...drawn), Math.max(...drawn)];
  // A slope would have all heights between the two values.
  const between = drawn.filter((y) => y > top + 4 && y < bottom - 4);
  const plateaus = new Set(between.map((y) => Math.round(y / 3)));
  assert.ok(plateaus.size <= 4, `${plateaus.size} heights between ${top} and ${bottom}`);
  await lab.expectNoErrors();
});
