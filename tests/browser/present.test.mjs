// Present mode, keyboard shortcuts, and the notice about a silent stream.

import assert from 'node:assert/strict';
import { watchText } from './support/audit.mjs';
import { suite } from './support/suite.mjs';
import { until } from './support/wait.mjs';

const check = suite();
const OPTIONS = { viewport: { width: 1280, height: 720 }, settings: false };

check('present mode shows only the lanes and the verdict, enlarged', async ({ open }) => {
  const lab = await open('?view=side-by-side', OPTIONS);
  const { page } = lab;
  await lab.waitForBothLanes();
  const size = () =>
    page
      .locator('.glance-figure')
      .first()
      .evaluate((figure) => Number.parseFloat(getComputedStyle(figure).fontSize));
  const before = await size();
  await page.keyboard.press('p');
  await page.getByRole('banner').waitFor({ state: 'hidden' });
  assert.equal(await lab.message.isVisible(), false);
  assert.ok((await size()) > before);
  assert.match(page.url(), /present=1/);
  const { bottom } = await page.locator('.verdict').evaluate((each) => each.getBoundingClientRect().toJSON());
  assert.ok(bottom <= 720);
  await page.keyboard.press('P');
  await page.getByRole('banner').waitFor();
  assert.doesNotMatch(page.url(), /present/);
  await lab.expectNoErrors();
});

check('an address can open the page in present mode', async ({ server, open }) => {
  const lab = await open('?view=side-by-side', OPTIONS);
  await lab.page.goto(server.page('?present=1'));
  await lab.page.locator('.glance-figure').first().waitFor();
  assert.equal(await lab.page.getByRole('banner').isVisible(), false);
});

for (const view of ['one', 'side-by-side', 'three'])
  for (const [width, height] of [
    [1280, 720],
    [1920, 1080],
  ])
    check(`in present mode the numbers of ${view} fit at ${width}x${height}`, async ({ server, open }) => {
      const lab = await open(`?view=${view}&interval=5`, {
        viewport: { width, height },
        settings: false,
      });
      const { page } = lab;
      await page.keyboard.press('p');
      await page.getByRole('button', { name: 'Leave present mode' }).waitFor();
      const figures = page.locator('.glance-figure');
      await until('a number is long', async () => {
        await server.publish({ text: 'hello' });
        return (await figures.allTextContents()).some((text) => /^\d,\d{3} ms$/.test(text));
      });
      const lanes = await page.locator('.lane').evaluateAll((all) =>
        all.map((lane) => {
          const figures = [...lane.querySelectorAll('.glance-figure, .glance-caption')].map((element) => {
            const text = document.createRange();
            text.selectNodeContents(element);
            const { left, right } = text.getBoundingClientRect();
            return { text: element.textContent, measure: element.closest('dl').dataset.measure, left, right };
          });
          return { right: lane.getBoundingClientRect().right, figures };
        }),
      );
      for (const { right, figures } of lanes)
        for (const one of figures) {
          assert.ok(one.right <= right, JSON.stringify({ one, right }));
          for (const other of figures.filter(({ measure }) => measure !== one.measure))
            assert.ok(
              one.right <= other.left + 1 || other.right <= one.left + 1,
              JSON.stringify({ one, other }),
            );
        }
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
    });

check('a button and Escape leave present mode, even if single keys are off', async ({ open }) => {
  for (const viewport of [OPTIONS.viewport, { width: 360, height: 640 }]) {
    const lab = await open('?view=side-by-side', { viewport, settings: false });
    const { page } = lab;
    await lab.waitForBothLanes();
    const settings = page.getByRole('button', { name: 'Settings', exact: true });
    const leave = page.getByRole('button', { name: 'Leave present mode' });
    await settings.click();
    await page.getByRole('button', { name: 'Keys' }).click();
    await page.getByRole('switch', { name: 'Single keys work' }).uncheck();
    await page.getByRole('button', { name: 'Close' }).click();
    const enter = page.getByRole('button', { name: 'Present mode', exact: true });
    await enter.click();
    assert.equal(await leave.evaluate((button) => button === document.activeElement), true);
    const { bottom } = await leave.boundingBox().then(({ y, height }) => ({ bottom: y + height }));
    assert.ok(bottom <= viewport.height, `the button is in the window: ${bottom}`);
    await leave.click();
    await page.getByRole('banner').waitFor();
    assert.equal(await enter.evaluate((button) => button === document.activeElement), true);
    assert.doesNotMatch(page.url(), /present/);
    await enter.click();
    await page.keyboard.press('Escape');
    await page.getByRole('banner').waitFor();
    await lab.expectNoErrors();
    await lab.close();
  }
});

check(
  'shortcuts control traffic, faults and the pause, have a list, and do not affect text fields',
  async ({ server, open }) => {
    const lab = await open('?view=side-by-side', OPTIONS);
    const { page } = lab;
    await lab.waitForBothLanes();
    const published = async () => (await server.ledger()).transports.publish.messages;
    await lab.name.fill('');
    await lab.name.pressSequentially('tbfp? ');
    assert.equal(await lab.name.inputValue(), 'tbfp? ');
    assert.equal(await published(), 0);
    await lab.name.blur();

    await page.keyboard.press('t');
    await until('a conversation runs', async () => (await published()) > 0);
    await page.keyboard.press('t');
    await page.keyboard.press('f');
    const network = (lane) => lab.lane(lane).region.locator('.network').getAttribute('data-fault');
    await until('a fault is chosen', async () => (await network('SSE')) === 'buffer');
    assert.match(page.url(), /[?&]fault=buffer/);
    await page.keyboard.press('f');
    await until('all is healthy', async () => (await network('Polling')) === 'healthy');
    assert.doesNotMatch(page.url(), /fault/);
    await page.keyboard.press('Space');
    await page.getByRole('button', { name: 'Resume', exact: true }).waitFor();
    await page.keyboard.press('Space');
    await page.getByRole('button', { name: 'Pause', exact: true }).waitFor();

    await page.keyboard.press('?');
    const list = page.getByRole('dialog', { name: 'Keys' });
    await list.getByText('a burst of 200 messages').waitFor();
    await list.getByRole('switch', { name: 'Single keys work' }).uncheck();
    await list.getByRole('button', { name: 'Close' }).click();
    await page.keyboard.press('p');
    assert.equal(await page.getByRole('banner').isVisible(), true);
    await lab.expectNoErrors();
  },
);

check('a lane without a stream is not said to have a silent one', async ({ open }) => {
  const lab = await open('?view=side-by-side');
  await lab.waitForBothLanes();
  const lane = lab.lane('SSE').region;
  const shown = await watchText(lane.locator('.network-notice'));
  await lane.getByRole('combobox', { name: 'Network', exact: true }).selectOption('Offline for 5 s');
  await lane.getByText('Healthy again.').waitFor();
  assert.deepEqual(
    (await shown()).filter((text) => text.includes('silent')),
    [],
  );
});

check('a silent stream counts up to its stall time-out, which a fault shortens', async ({ open }) => {
  const lab = await open('?view=side-by-side');
  await lab.waitForBothLanes();
  const lane = lab.lane('SSE').region;
  const mute = lane.getByRole('spinbutton', { name: 'Mute after' });
  assert.equal(await mute.inputValue(), '45');
  await lane.getByRole('combobox', { name: 'Network', exact: true }).selectOption('Buffering proxy');
  assert.equal(await mute.inputValue(), '5');
  await lane.locator('.status-fault').getByText('Buffering proxy').waitFor();
  const shown = await watchText(lane.locator('.network-notice'));
  await lane.getByText('Polling in place of a mute stream').waitFor({ timeout: 60_000 });
  const silent_s = (await shown()).flatMap((text) => {
    const [, silent] = /^The stream has been silent for (\d) of 5 s/.exec(text) ?? [];
    return silent === undefined ? [] : [Number(silent)];
  });
  assert.ok(silent_s.length >= 2 && silent_s.at(-1) > silent_s[0], silent_s.join());
  await lane.getByRole('combobox', { name: 'Network', exact: true }).selectOption('Healthy');
  assert.equal(await mute.inputValue(), '45');
  assert.doesNotMatch(lab.page.url(), /mute/);
});
