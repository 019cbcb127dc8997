// Narrow windows: columns with the numbers and diagrams, the conversation in a tab, and settings in a sheet.

import assert from 'node:assert/strict';
import AxeBuilder from '@axe-core/playwright';
import { suite } from './support/suite.mjs';
import { until } from './support/wait.mjs';

const check = suite();

const WINDOWS = {
  'a small phone': { width: 360, height: 640 },
  'a phone': { width: 390, height: 844 },
  'a tablet': { width: 820, height: 1080 },
  'a narrow window': { width: 990, height: 700 },
};

const box = (locator) => locator.evaluate((element) => element.getBoundingClientRect().toJSON());

check('on a small phone the conversation takes more than half of the window', async ({ server, open }) => {
  for (const query of ['?view=side-by-side', '?view=one']) {
    const lab = await open(query, { viewport: WINDOWS['a small phone'], settings: false });
    const { page } = lab;
    await server.publish({ text: 'hello' });
    if (query !== '?view=one') await page.getByRole('tab', { name: 'Conversation' }).click();
    await page.locator('.message').first().waitFor();
    await until('the conversation is large enough', async () => {
      const [log, speech] = [await box(page.locator('.log').first()), await box(page.locator('.speech'))];
      const shown = Math.min(log.bottom, speech.top) - Math.max(log.top, 0);
      return shown > 320 && speech.bottom <= 641;
    });
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
  }
});

for (const [name, viewport] of Object.entries(WINDOWS)) {
  check(
    `${name} shows two columns with numbers and diagrams, and the composer in a tab`,
    async ({ open }) => {
      const lab = await open('?view=side-by-side', { viewport, settings: false });
      const { page } = lab;
      await until(
        'both lanes are connected',
        async () => (await page.locator('.status[data-link=live]').count()) === 2,
      );
      const [left, right] = ['Polling', 'SSE'].map((lane) => lab.lane(lane).region);
      const places = async (selector) =>
        Promise.all([left, right].map((region) => box(region.locator(selector).first())));
      for (const selector of ['.glance', '.tape-frame']) {
        const [first, second] = await places(selector);
        assert.ok(first.right <= second.left + 1 && Math.abs(first.top - second.top) < 1, selector);
        assert.ok(first.height > 40 && second.right <= viewport.width + 1, selector);
      }
      // Only the first diagram shows times, if there is little space.
      await until('it is drawn', async () => (await left.locator('.ticks text').count()) > 3);
      if (viewport.width < 992) assert.equal(await right.locator('.ticks text').count(), 0);
      assert.equal(await lab.message.isVisible(), false);

      const tab = page.getByRole('tab', { name: 'Diagram' });
      await tab.focus();
      await page.keyboard.press('ArrowRight');
      assert.equal(await tab.getAttribute('aria-selected'), 'false');
      await lab.message.waitFor();
      assert.equal(await left.locator('.tape-frame').isVisible(), false);
      await lab.name.fill('mina');
      await lab.send('from a narrow window');
      for (const lane of ['Polling', 'SSE']) await lab.lane(lane).expectTexts(['from a narrow window']);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), viewport.width);
      await lab.expectNoErrors();
    },
  );
}

check('no word is broken beside the name of its author', async ({ server, open }) => {
  const lab = await open('?view=three', { viewport: { width: 390, height: 844 }, settings: false });
  const { page } = lab;
  await page.getByRole('tab', { name: 'Conversation' }).click();
  await server.publish({ author: 'mina', text: 'hello there, tomas' });
  await until('every lane has the message', async () => (await page.locator('.message').count()) === 3);
  const lines = await page.locator('.message .text').evaluateAll((texts) =>
    texts.map(({ firstChild }) =>
      firstChild.data.split(' ').map((word) => {
        const range = document.createRange();
        const start = firstChild.data.indexOf(word);
        range.setStart(firstChild, start);
        range.setEnd(firstChild, start + word.length);
        return range.getClientRects().length;
      }),
    ),
  );
  assert.deepEqual(lines, Array(3).fill([1, 1, 1]));
});

check('the sheet has the settings of every lane, and closes on Escape', async ({ open }) => {
  const lab = await open('?view=side-by-side', { viewport: WINDOWS['a phone'], settings: false });
  const { page } = lab;
  const button = page.getByRole('button', { name: 'Settings', exact: true });
  await button.click();
  const sheet = page.getByRole('region', { name: 'Settings' });
  const { top, bottom } = await box(sheet);
  assert.ok(top > 200 && bottom <= 845, `${top} to ${bottom}`);
  for (const lane of ['Polling', 'SSE']) {
    const settings = sheet.getByRole('group', { name: lane, exact: true });
    await settings.getByRole('combobox', { name: 'Network', exact: true }).waitFor();
  }
  const { violations } = await new AxeBuilder({ page }).include('.settings').analyze();
  assert.deepEqual(
    violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`),
    [],
  );
  await sheet
    .getByRole('group', { name: 'SSE', exact: true })
    .getByRole('radio', { name: 'Long-polling' })
    .check();
  await lab.lane('Long-polling').region.waitFor();
  assert.match(page.url(), /right=long-poll/);
  await page.keyboard.press('Escape');
  await sheet.waitFor({ state: 'hidden' });
  assert.ok(await button.evaluate((each) => each === document.activeElement));
  // A wide window shows the settings in the lanes.
  await page.setViewportSize({ width: 1280, height: 720 });
  await lab.lane('Polling').transport('SSE').waitFor();
});
