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
    await page.keyboard.press('f');
    await until('all is healthy', async () => (await network('Polling')) === 'healthy');
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

check('a silent stream counts up to its stall time-out, which a fault shortens', async ({ open }) => {
  const lab = await open('?view=side-by-side');
  await lab.waitForBothLanes();
  const lane = lab.lane('SSE').region;
  const mute = lane.getByRole('spinbutton', { name: 'Mute after' });
  assert.equal(await mute.inputValue(), '45');
  await lane.getByRole('combobox', { name: 'Network', exact: true }).selectOption('Buffering proxy');
  assert.equal(await mute.inputValue(), '5');
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
