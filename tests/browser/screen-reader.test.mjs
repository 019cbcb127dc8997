// Screen readers announce each message of a slow conversation, and one status every 5 s in a fast one. An Enter that
// belongs to an input method does not send.

import assert from 'node:assert/strict';
import { suite } from './support/suite.mjs';
import { until } from './support/wait.mjs';

const check = suite();

check('a busy conversation is summarized, and a quiet one is read out again', async ({ server, open }) => {
  const lab = await open('?view=one&transport=stream', { name: 'mina' });
  const { page } = lab;
  await lab.waitForConnection('SSE');
  const live = () => lab.log.getAttribute('aria-live');
  await lab.send('one is read out');
  await lab.expectTexts(['one is read out']);
  assert.notEqual(await live(), 'off');

  const texts = Array.from({ length: 20 }, (_, index) => `of many ${index}`);
  for (const text of texts) await server.publish({ text });
  await until('the log is not read out', async () => (await live()) === 'off');
  const spoken = page.locator('[aria-live=polite]', { hasText: /messages in the last 5 seconds/ });
  await spoken.waitFor({ state: 'attached', timeout: 10_000 });
  assert.match(await spoken.textContent(), /^SSE: \d+ messages in the last 5 seconds\./);

  await until('the log is announced again', async () => (await live()) === 'polite');
  await lab.expectNoErrors();
});

/** The orders in which browsers report the Enter that ends a composition. */
const ORDERS = {
  'during the composition (Chromium, Firefox)': [
    ['compositionstart', {}],
    ['keydown', { key: 'Enter', keyCode: 229, isComposing: true }],
    ['compositionend', {}],
    ['keyup', { key: 'Enter', keyCode: 13 }],
  ],
  'after its end (Safari)': [
    ['compositionstart', {}],
    ['compositionend', {}],
    ['keydown', { key: 'Enter', keyCode: 229, isComposing: false }],
    ['keyup', { key: 'Enter', keyCode: 13 }],
  ],
  'after its end, as a plain key': [
    ['compositionstart', {}],
    ['compositionend', {}],
    ['keydown', { key: 'Enter', keyCode: 13, isComposing: false }],
    ['keyup', { key: 'Enter', keyCode: 13 }],
  ],
  'as a processed key without a composition': [
    ['keydown', { key: 'Process', keyCode: 229 }],
    ['keydown', { key: 'Enter', keyCode: 229 }],
    ['keyup', { key: 'Enter', keyCode: 229 }],
  ],
};

for (const [order, events] of Object.entries(ORDERS)) {
  check(`an input method’s Enter does not send: ${order}`, async ({ server, open }) => {
    const lab = await open('', { name: 'mina' });
    for (const field of [lab.message, lab.name]) {
      await lab.message.fill('안녕');
      await field.evaluate((element, events) => {
        for (const [type, init] of events) {
          const Kind = type.startsWith('key') ? KeyboardEvent : CompositionEvent;
          element.dispatchEvent(new Kind(type, { bubbles: true, cancelable: true, ...init }));
        }
      }, events);
    }
    assert.equal(await lab.message.inputValue(), '안녕');
    await lab.message.press('Enter');
    await lab.expectTexts(['안녕']);
    assert.equal((await server.ledger()).transports.publish.messages, 1);
    await lab.expectNoErrors();
  });
}

check('an Enter that ends a real composition does not send', async ({ open }) => {
  const lab = await open('', { name: 'mina' });
  await lab.message.focus();
  const devtools = await lab.context.newCDPSession(lab.page);
  await devtools.send('Input.imeSetComposition', { text: '안녕', selectionStart: 2, selectionEnd: 2 });
  await devtools.send('Input.dispatchKeyEvent', {
    type: 'rawKeyDown',
    key: 'Enter',
    code: 'Enter',
    windowsVirtualKeyCode: 229,
  });
  await devtools.send('Input.insertText', { text: '안녕' });
  await devtools.send('Input.dispatchKeyEvent', {
    type: 'keyUp',
    key: 'Enter',
    code: 'Enter',
    windowsVirtualKeyCode: 13,
  });
  assert.equal(await lab.message.inputValue(), '안녕');
  await lab.message.press('Enter');
  await lab.expectTexts(['안녕']);
});

check(
  'in a narrow window skip links lead to the other tab, and in present mode not to the composer',
  async ({ open }) => {
    for (const [selector, role] of [
      ['#skip-messages', 'log'],
      ['#skip-write', 'textbox'],
    ]) {
      const lab = await open('?view=side-by-side', {
        viewport: { width: 360, height: 640 },
        settings: false,
      });
      const { page } = lab;
      await lab.message.waitFor({ state: 'hidden' });
      await page.locator(selector).focus();
      await page.keyboard.press('Enter');
      const name = role === 'log' ? 'Messages' : 'Name';
      const target = page.getByRole(role, { name, exact: true }).first();
      assert.equal(await target.evaluate((each) => each === document.activeElement), true);
      await page.evaluate(() => document.activeElement.blur());
      await page.keyboard.press('p');
      await page.getByRole('button', { name: 'Leave present mode' }).waitFor();
      assert.equal(await page.locator('#skip-write').isVisible(), false);
      await lab.close();
    }
  },
);

check('skip links lead to the composer and the messages, and each part has a heading', async ({ open }) => {
  const lab = await open('?view=side-by-side', { settings: false });
  const { page } = lab;
  await lab.waitForBothLanes();
  const focused = () => page.evaluate(() => document.activeElement.id);
  await page.keyboard.press('Tab');
  await page.getByRole('link', { name: 'Write a message' }).waitFor();
  await page.keyboard.press('Enter');
  assert.equal(await focused(), 'name');
  await page.keyboard.type('mina');
  await page.keyboard.press('Tab');
  assert.equal(await focused(), 'message');

  await page.reload();
  await page.getByRole('log').first().waitFor();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('role')), 'log');
  assert.equal(new URL(page.url()).hash, '', 'a skip link leaves the address as it is');

  const headings = await page.getByRole('heading').allTextContents();
  for (const name of ['Polling', 'SSE', 'Comparison', 'Write a message', 'Messages', 'Sequence diagram'])
    assert.ok(headings.includes(name), `${name} is not among ${headings.join(', ')}`);
  const levels = await page
    .getByRole('heading')
    .evaluateAll((all) => all.map((each) => Number(each.tagName[1])));
  levels.forEach((level, at) => assert.ok(level <= (levels[at - 1] ?? 0) + 1, `levels ${levels.join(' ')}`));
  await lab.expectNoErrors();
});
