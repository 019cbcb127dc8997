// The page works with forced colours, at 400 % zoom, with text of twice the size, with reduced motion and with
// right-to-left text. Most tests leave a screenshot in `screenshots/`.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { countPositions } from './support/diagram.mjs';
import { suite } from './support/suite.mjs';
import { until } from './support/wait.mjs';

const check = suite();
const SCREENSHOTS = fileURLToPath(new URL('./screenshots/', import.meta.url));
const BOTH = '?view=side-by-side';

async function takeScreenshot(lab, name) {
  await mkdir(SCREENSHOTS, { recursive: true });
  await lab.page.screenshot({ path: `${SCREENSHOTS}${name}.png`, fullPage: true });
}

/** Checks that nothing is wider than the window, and that important elements can be scrolled into view. */
async function expectUsable(lab) {
  const overflow = await lab.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(overflow <= 0, `the page is ${overflow} px too wide`);
  for (const [name, element] of Object.entries({
    message: lab.message,
    send: lab.page.getByRole('button', { name: 'Send', exact: true }),
    log: lab.page.getByRole('log', { name: 'Messages' }).first(),
    result: lab.page.getByRole('button', { name: 'Copy result', exact: true }),
    planner: lab.page.getByRole('spinbutton', { name: 'Clients', exact: true }),
  })) {
    await element.scrollIntoViewIfNeeded();
    const box = await element.boundingBox();
    assert.ok(box !== null && box.width > 20 && box.height > 10, `${name}: ${JSON.stringify(box)}`);
    assert.ok(box.x >= 0 && box.x + box.width <= lab.page.viewportSize().width + 1, name);
  }
}

check('with forced colours every sign is still visible', async ({ server, open }) => {
  const lab = await open(BOTH, { forcedColors: 'active', colorScheme: 'dark' });
  await lab.waitForBothLanes();
  for (let number = 0; number < 4; number++) await server.publish({ text: `message ${number}` });
  for (const lane of ['Polling', 'SSE'])
    await until('the lane shows it', async () => (await lab.lane(lane).texts()).length === 4);
  await lab.page.locator('.arrow').first().waitFor({ state: 'attached' });
  // Arrows have another colour than the background.
  const [stroke, ground] = await lab.page.evaluate(() => {
    const shaft = document.querySelector('.arrow .shaft');
    return [getComputedStyle(shaft).stroke, getComputedStyle(document.documentElement).backgroundColor];
  });
  assert.notEqual(stroke, ground);
  assert.notEqual(stroke, 'none');
  await expectUsable(lab);
  await takeScreenshot(lab, 'forced-colours');
  await lab.expectNoErrors();
});

check('at 400 % zoom everything can be reached and nothing is cut off', async ({ server, open }) => {
  // A window of 1280 by 1024 pixels, magnified four times.
  const lab = await open(BOTH, { name: 'mina', viewport: { width: 320, height: 256 }, deviceScaleFactor: 4 });
  await server.publish({ text: 'a message that is long enough to be broken into several lines here' });
  for (const lane of ['Polling', 'SSE'])
    await until('the lane shows it', async () => (await lab.lane(lane).texts()).length === 1);
  await expectUsable(lab);
  await lab.message.fill('written at 400 %');
  await lab.message.press('Enter');
  await until('it arrives', async () => (await lab.lane('SSE').texts()).includes('written at 400 %'));
  await takeScreenshot(lab, 'zoom-400');
  await lab.expectNoErrors();
});

check('on a phone, text of twice the size flows anew and nothing scrolls sideways', async ({ open }) => {
  const viewport = { width: 390, height: 844 };
  for (const view of ['one', 'side-by-side', 'three']) {
    const lab = await open(`?view=${view}`, { viewport });
    const { page } = lab;
    await page.evaluate(() => (document.documentElement.style.fontSize = '32px'));
    await page.locator('.status[data-link=live]').first().waitFor();
    const widths = () => page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    await until('the page is as wide as the window', async () => (await widths())[0] === viewport.width);
    assert.deepEqual(await widths(), [390, 390], view);
    if (view !== 'one') await page.getByRole('tab', { name: 'Conversation' }).click();
    assert.deepEqual(await widths(), [390, 390], view);
    const [message, send] = await Promise.all([
      lab.message.boundingBox(),
      page.getByRole('button', { name: 'Send', exact: true }).boundingBox(),
    ]);
    assert.ok(
      message.x + message.width <= send.x || message.y + message.height <= send.y,
      'the button covers no text',
    );
  }
});

check('with reduced motion nothing is animated, and messages still arrive', async ({ server, open }) => {
  const lab = await open(BOTH, { reducedMotion: 'reduce' });
  await lab.waitForBothLanes();
  await server.publish({ text: 'arrives without motion' });
  for (const lane of ['Polling', 'SSE'])
    await until('the lane shows it', async () => (await lab.lane(lane).texts()).length === 1);
  const moving = await lab.page.evaluate(() =>
    document
      .getAnimations()
      .filter(({ playState }) => playState === 'running')
      .map(({ id }) => id),
  );
  assert.deepEqual(moving, []);
  // The diagram moves in steps of two seconds.
  const tape = lab.page.locator('.tape').first();
  const positions = await countPositions(tape, 3_000);
  assert.ok(positions <= 4, `${positions} positions in 3 s`);
  await takeScreenshot(lab, 'reduced-motion');
  await lab.expectNoErrors();
});

check(
  'text from right to left is shown in that direction, on a page of either direction',
  async ({ server, open }) => {
    const lab = await open(BOTH);
    await lab.waitForBothLanes();
    const text = 'שלום עולם, this is SSE';
    await server.publish({ author: 'دانا', text });
    for (const lane of ['Polling', 'SSE'])
      await until('the lane shows it', async () => (await lab.lane(lane).texts()).includes(text));
    const direction = () =>
      lab
        .lane('SSE')
        .log.locator('.message .text')
        .first()
        .evaluate((element) => getComputedStyle(element).direction);
    assert.equal(await direction(), 'rtl');
    await takeScreenshot(lab, 'rtl-text');
    // As a browser does that translates the page into such a language.
    await lab.page.evaluate(() => (document.documentElement.dir = 'rtl'));
    await expectUsable(lab);
    await takeScreenshot(lab, 'rtl-page');
    await lab.expectNoErrors();
  },
);
