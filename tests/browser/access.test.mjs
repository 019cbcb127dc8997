// Accessibility: keyboard only, small screens, light and dark.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import AxeBuilder from '@axe-core/playwright';
import { SIZES } from './support/sizes.mjs';
import { suite } from './support/suite.mjs';
import { until } from './support/wait.mjs';

const check = suite();
const SCREENSHOTS = fileURLToPath(new URL('./screenshots/', import.meta.url));

async function chat(server, page) {
  await page.setInterval(0.25);
  await server.publish({ text: 'Is everybody in?' });
  await page.send('Here, by polling.');
  await until('both are there', async () => (await page.texts()).length === 2);
  await page.use('Long-polling');
  await server.publish({ text: 'Now without asking again and again.' });
  await until('three are there', async () => (await page.texts()).length === 3);
  await page.use('SSE');
  await page.send('And now over one request that never ends.');
  await until('four are there', async () => (await page.texts()).length === 4);
  await until('all columns are there', async () => Object.keys(await page.figures()).length === 3);
}

/** The elements that make the page wider than its window. */
function findOverflow(page) {
  return page.evaluate(() => {
    if (document.documentElement.scrollWidth <= innerWidth) return [];
    return [...document.querySelectorAll('#app *')]
      .filter((each) => each.getBoundingClientRect().right > innerWidth + 0.5)
      .map(({ tagName, className, textContent }) => `${tagName} ${className}: ${textContent.slice(0, 40)}`);
  });
}

/** Presses Tab until the element of `locator` has the focus. */
async function tabTo(page, locator, key = 'Tab') {
  for (let presses = 0; presses < 60; presses++) {
    if (await locator.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press(key);
  }
  assert.fail(`the keyboard does not reach ${locator}`);
}

check('everything works with the keyboard alone', async ({ server, open }) => {
  const lab = await open();
  const { page } = lab;
  const checkedRadio = page.locator('input[name="one-transport"]:checked');
  await lab.waitForConnection('Polling');

  await tabTo(page, lab.name);
  await page.keyboard.type('mina');
  await tabTo(page, lab.message);
  await page.keyboard.type('first line');
  await page.keyboard.press('Shift+Enter');
  await page.keyboard.type('second line');
  await page.keyboard.press('Enter');

  await tabTo(page, page.getByRole('button', { name: 'Send' }));
  await tabTo(page, checkedRadio);
  await page.keyboard.press('ArrowDown');
  await lab.waitForConnection('Long-polling');
  await page.keyboard.press('ArrowDown');
  await lab.waitForConnection('SSE');
  await lab.expectTexts(['first line\nsecond line']);

  const slider = page.getByRole('slider', { name: 'Polling interval' });
  await tabTo(page, slider);
  await page.keyboard.press('Home');
  assert.equal(await slider.getAttribute('aria-valuetext'), '0.25 seconds');
  await page.keyboard.press('ArrowRight');
  assert.equal(await slider.getAttribute('aria-valuetext'), '0.3 seconds');
  await page.keyboard.press('End');
  assert.equal(await slider.getAttribute('aria-valuetext'), '60 seconds');

  await tabTo(page, lab.log);
  for (let index = 0; index < 60; index++) await server.publish({ text: `number ${index}` });
  await lab.log.getByText('number 59', { exact: true }).waitFor();
  await page.keyboard.press('Home');
  await until('the log scrolls by keyboard', () => lab.log.evaluate((log) => log.scrollTop === 0));
  await lab.expectNoErrors();
});

check('the focus is always visible', async ({ open }) => {
  const { page } = await open();
  const seen = new Set();
  for (let presses = 0; presses < 12; presses++) {
    await page.keyboard.press('Tab');
    const { tag, outline } = await page.evaluate(() => {
      const style = getComputedStyle(document.activeElement);
      return {
        tag: document.activeElement.id || document.activeElement.className || document.activeElement.tagName,
        outline: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
      };
    });
    seen.add(tag);
    assert.ok(outline || tag === 'BODY', `${tag} shows no focus`);
  }
  assert.ok(seen.size >= 8, [...seen].join());
});

for (const [size, viewport] of Object.entries(SIZES)) {
  for (const colorScheme of ['light', 'dark']) {
    check(
      `nothing overflows and axe-core finds no violation (${size}, ${colorScheme})`,
      async ({ server, open }) => {
        const lab = await open('', { name: 'mina', viewport, colorScheme });
        const { page } = lab;
        const audit = async () => {
          // diagram.test.mjs checks the arrows of the diagram; here they would be most of the work.
          const { violations } = await new AxeBuilder({ page }).exclude('.tape').analyze();
          assert.deepEqual(
            violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`),
            [],
          );
          assert.deepEqual(await findOverflow(page), []);
        };
        await audit();
        const fold = page.getByRole('button', { name: 'Cost' });
        if (await fold.isVisible()) {
          await fold.click();
          await lab.cost.waitFor();
          await audit();
        }
        await chat(server, lab);
        await audit();
        for (const reachable of [lab.name, lab.message, lab.transport('Polling'), lab.cost]) {
          await reachable.scrollIntoViewIfNeeded();
          const box = await reachable.boundingBox();
          assert.ok(box.x >= 0 && box.x + box.width <= viewport.width + 0.5);
          assert.ok(
            box.y >= 0 && box.y + box.height <= viewport.height + 0.5,
            `${reachable}: ${JSON.stringify(box)}`,
          );
        }
        await mkdir(SCREENSHOTS, { recursive: true });
        await page.screenshot({ path: `${SCREENSHOTS}${size}-${colorScheme}.png` });

        await server.down();
        await until('the page says that it reconnects', async () =>
          /^Reconnecting…/.test(await lab.statusText()),
        );
        await audit();
        await page.screenshot({ path: `${SCREENSHOTS}${size}-${colorScheme}-reconnecting.png` });
      },
    );
  }
}

check('the page for an invalid room is accessible too', async ({ open }) => {
  const { page } = await open('?room=a%20b', { settings: false });
  for (const viewport of Object.values(SIZES)) {
    await page.setViewportSize(viewport);
    const { violations } = await new AxeBuilder({ page }).analyze();
    assert.deepEqual(
      violations.map(({ id }) => id),
      [],
    );
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), 0);
  }
});

check('nothing moves with reduced motion', async ({ open }) => {
  const { page } = await open('', { reducedMotion: 'reduce' });
  const moving = await page.evaluate(() =>
    [...document.querySelectorAll('*')]
      .filter((element) => {
        const { transitionDuration, animationName } = getComputedStyle(element);
        return animationName !== 'none' || transitionDuration.split(',').some((time) => parseFloat(time) > 0);
      })
      .map(({ className, tagName }) => className || tagName),
  );
  assert.deepEqual(moving, []);
});
