// Takes the screenshots in docs/images/: starts the server and publishes a short conversation over each transport.
//
//     npm run screenshot              # all of them
//     npm run screenshot lab presence # those whose names begin with these words

import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { launch, LabPage } from './support/browser.mjs';
import { Server } from './support/server.mjs';
import { until } from './support/wait.mjs';

const IMAGES = fileURLToPath(new URL('../../docs/images/', import.meta.url));

const WIDE = { viewport: { width: 1440, height: 900 }, deviceScaleFactor: 1.5 };
const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 };

const PICTURES = {
  'lab.png': { ...WIDE, colorScheme: 'light' },
  'lab-dark.png': { ...WIDE, colorScheme: 'dark' },
  'lab-phone.png': { ...PHONE, colorScheme: 'light' },
};

const LAPTOP = { viewport: { width: 1280, height: 800 }, deviceScaleFactor: 1.5 };

/** Pages with two lanes; `before` runs before the screenshot is taken. */
const SIDE_BY_SIDE = {
  'side-by-side.png': { ...WIDE, colorScheme: 'light' },
  'side-by-side-dark.png': { ...LAPTOP, colorScheme: 'dark', query: '&lang=ko' },
  'side-by-side-phone.png': { ...PHONE, colorScheme: 'light' },
  'presence.png': { ...LAPTOP, colorScheme: 'light', before: meetVisitors, of: 'Who is here' },
  'tour.png': { ...WIDE, colorScheme: 'light', before: takeTour },
};

async function meetVisitors({ page }) {
  await page.getByRole('button', { name: /^Who is here/ }).click();
  await page.getByRole('button', { name: 'Two visitors come and leave' }).click();
  await page.getByText('longer to notice').waitFor({ timeout: 30_000 });
}

async function takeTour({ page }) {
  await page.getByRole('button', { name: 'Tour', exact: true }).click();
  const outcome = page.locator('.tour-outcome');
  const next = page.getByRole('button', { name: 'Next', exact: true });
  for (const step of [1, 2, 3, 4]) {
    await page.getByText(`Step ${step} of 5`).waitFor();
    await until('the step has an outcome', async () => / .*\.$/.test(await outcome.textContent()));
    if (step < 4) await next.click();
  }
}

/** Takes a screenshot of two lanes after a short conversation. */
async function sideBySide(browser, file, { query = '', before, of, ...options }) {
  const server = await Server.start('memory');
  try {
    const room = 'kitchen';
    const address = server.page(`?room=${room}&view=side-by-side${query}`);
    const lab = await LabPage.open(browser, address, { ...options, settings: false });
    const { page } = lab;
    await until(
      'both lanes are connected',
      async () => (await page.locator('.status[data-link=live]').count()) === 2,
    );
    for (const [author, text, pause_ms] of [
      ['tomas', 'The kettle is on. Who is coming over?', 2_300],
      ['mina', 'Me, in ten minutes.', 5_100],
      ['ana', 'Save me a cup, the tram is late again.', 3_700],
      ['tomas', 'Which one, the 4?', 4_400],
      ['ana', 'The 4. It is always the 4.', 2_600],
    ]) {
      await server.publish({ room, author, text });
      await page.waitForTimeout(pause_ms);
    }
    await before?.(lab);
    await page.waitForTimeout(1_500);
    const shown = of === undefined ? page : page.getByRole('region', { name: of });
    await shown.screenshot({ path: `${IMAGES}${file}` });
    await lab.expectNoErrors();
  } finally {
    await server.end();
  }
}

async function converse(server, room, mina) {
  const waitForText = (text) => mina.log.getByText(text, { exact: true }).waitFor();
  const publishAndWait = async (author, text) => {
    await server.publish({ room, author, text });
    await waitForText(text);
  };
  const sendAndWait = async (text) => {
    await mina.send(text);
    await waitForText(text);
  };

  const client = await mina.client();
  const counted = async (transport) => (await server.ledger(client)).transports[transport];

  await publishAndWait('tomas', 'The kettle is on. Who is coming over?');
  await sendAndWait('Me, in ten minutes.');
  await until('several polls were empty', async () => (await counted('poll')).empty >= 9);
  await publishAndWait('ana', 'Save me a cup, the tram is late again.');
  await mina.use('Long-polling');
  await sendAndWait('Which one, the 4?');
  await publishAndWait('ana', 'The 4. It is always the 4.');
  await mina.use('SSE');
  await sendAndWait('Walk, then. It is faster than waiting.');
  await publishAndWait('ana', 'Walking!');
  await publishAndWait('tomas', 'Two cups are poured, the third is waiting.');
  // Folded on a phone, but still in the document.
  const shown = mina.page.locator('.cost td[data-transport=stream][data-row=wire_bytes]');
  await until('the page shows the last figures', async () => {
    const { wire_bytes_in, wire_bytes_out } = await counted('stream');
    return Number((await shown.textContent()).replaceAll(',', '')) === wire_bytes_in + wire_bytes_out;
  });
}

/** A conversation as long as a diagram's window, with pauses in which only polls continue. */
async function converseTwice(server, room, lab) {
  const lines = ['Is the kettle on?', 'Two cups are poured.', 'Which tram?', 'The 4. It is always the 4.'];
  await lab.waitForBothLanes();
  for (const [index, pause_ms] of [900, 4_200, 2_600, 6_000, 800, 5_400, 1_700, 3_900, 7_000].entries()) {
    await server.publish({ room, author: index % 2 ? 'ana' : 'tomas', text: lines[index % lines.length] });
    await lab.page.waitForTimeout(pause_ms);
  }
}

/** The rectangle around all of `locators`, with a margin. */
async function around(locators, margin = 16) {
  const boxes = await Promise.all(locators.map((locator) => locator.boundingBox()));
  const [x, y] = ['x', 'y'].map((side) => Math.min(...boxes.map((box) => box[side])) - margin);
  const right = Math.max(...boxes.map((box) => box.x + box.width)) + margin;
  const bottom = Math.max(...boxes.map((box) => box.y + box.height)) + margin;
  return { x: Math.max(x, 0), y: Math.max(y, 0), width: right - Math.max(x, 0), height: bottom - y };
}

/** Takes the screenshots of the diagrams and the plots. */
async function pictures(browser) {
  const server = await Server.start('memory');
  try {
    const room = 'kitchen';
    // High enough that sticky elements do not cover the diagrams.
    const options = { viewport: { width: 1280, height: 800 }, deviceScaleFactor: 1.5, settings: false };
    const lab = await LabPage.open(browser, server.page(`?room=${room}&view=side-by-side`), options);
    await lab.window.selectOption('30 s');
    await converseTwice(server, room, lab);
    const { page } = lab;
    const diagrams = ['Polling', 'SSE'].map((name) => lab.lane(name).region.locator('.picture'));
    await page.screenshot({ path: `${IMAGES}sequence.png`, clip: await around(diagrams, 0) });
    const plots = page.getByRole('region', { name: 'Over time' });
    await plots.scrollIntoViewIfNeeded();
    await page.waitForTimeout(1_500);
    await plots.screenshot({ path: `${IMAGES}over-time.png` });
    await lab.expectNoErrors();
  } finally {
    await server.end();
  }
}

/** The Planner with its initial question. */
const PLANNERS = {
  'planner.png': { ...LAPTOP, colorScheme: 'light' },
  'planner-dark.png': { ...LAPTOP, colorScheme: 'dark' },
  'planner-phone.png': { ...PHONE, colorScheme: 'light' },
};

async function planner(browser, file, options) {
  const server = await Server.start('memory');
  try {
    const lab = await LabPage.open(browser, server.page(), { ...options, settings: false });
    const panel = lab.page.locator('#planner');
    await panel.locator('.curves').scrollIntoViewIfNeeded();
    await panel.locator('canvas').nth(2).waitFor();
    await lab.page.waitForTimeout(500);
    await panel.screenshot({ path: `${IMAGES}${file}` });
    await lab.expectNoErrors();
  } finally {
    await server.end();
  }
}

const asked = process.argv.slice(2);
const wanted = (file) => asked.length === 0 || asked.some((beginning) => file.startsWith(beginning));
const browser = await launch();
try {
  await mkdir(IMAGES, { recursive: true });
  if (wanted('sequence.png') || wanted('over-time.png')) await pictures(browser);
  for (const [file, options] of Object.entries(PLANNERS).filter(([file]) => wanted(file)))
    await planner(browser, file, options);
  for (const [file, options] of Object.entries(SIDE_BY_SIDE).filter(([file]) => wanted(file)))
    await sideBySide(browser, file, options);
  for (const [file, options] of Object.entries(PICTURES).filter(([file]) => wanted(file))) {
    const server = await Server.start('memory');
    try {
      const room = 'kitchen';
      const mina = await LabPage.open(browser, server.page(`?room=${room}&view=one&interval=1`), {
        ...options,
        name: 'mina',
        settings: false,
      });
      await converse(server, room, mina);
      await mina.page.locator('body').click({ position: { x: 1, y: 1 } });
      await mina.page.screenshot({ path: `${IMAGES}${file}` });
      await mina.expectNoErrors();
    } finally {
      await server.end();
    }
  }
} finally {
  await browser.close();
}
