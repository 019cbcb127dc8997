// The main features in a second browser: reading, writing, the comparison, and the diagrams and plots.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launchFirefox, openInFirefox, setViewport } from './support/firefox.mjs';
import { Server } from './support/server.mjs';
import { until } from './support/wait.mjs';

const SCREENSHOTS = fileURLToPath(new URL('./screenshots/', import.meta.url));

let browser;
before(async () => {
  browser = await launchFirefox();
});
after(() => browser?.close());

/** Runs `work` on a page of a new server with these flags, and checks that the page reports no errors. */
function check(title, query, work, flags = []) {
  test(`in Firefox ${title}`, async () => {
    const server = await Server.start('memory', flags);
    const opened = [];
    try {
      const { page, errors } = await openInFirefox(browser, server.page(query));
      opened.push(page);
      await work({ page, server });
      assert.deepEqual(errors, []);
    } finally {
      await Promise.allSettled(opened.map((page) => page.close()));
      await server.end();
    }
  });
}

const BOTH = '?view=side-by-side';
const texts = (page) =>
  page.$$eval('.lane', (lanes) =>
    lanes.map((lane) => [...lane.querySelectorAll('.message .text')].map(({ textContent }) => textContent)),
  );
const allHave = (page, text) =>
  until(`every lane shows “${text}”`, async () => (await texts(page)).every((lane) => lane.includes(text)));

check('both lanes read what is published, in order', BOTH, async ({ page, server }) => {
  await until('both lanes read', async () => (await page.$$('.status[data-link=live]')).length === 2);
  const published = Array.from({ length: 8 }, (_, number) => `message ${number}`);
  for (const text of published) await server.publish({ text });
  await allHave(page, published.at(-1));
  assert.deepEqual(await texts(page), [published, published]);
});

check('Enter sends a message, and both lanes show it', BOTH, async ({ page }) => {
  // By ids, as finding an element by its name takes this driver half a minute on a busy machine.
  await (await page.waitForSelector('#name')).type('mina');
  await (await page.waitForSelector('#message')).type('hello from Firefox');
  await page.keyboard.press('Enter');
  await allHave(page, 'hello from Firefox');
  await until(
    "each lane marks it as the page's own",
    async () => (await page.$$('.message.own')).length === 2,
  );
});

check(
  'a lane continues at its cursor when its transport changes',
  '?view=one&transport=poll',
  async (parts) => {
    const { page, server } = parts;
    await until('the lane polls', async () => (await page.$('.status[data-link=live]')) !== null);
    await server.publish({ text: 'by polling' });
    await allHave(page, 'by polling');
    await page.$eval('input[type=radio][value=stream]', (radio) => radio.click());
    await server.publish({ text: 'by SSE' });
    await allHave(page, 'by SSE');
    assert.deepEqual(await texts(page), [['by polling', 'by SSE']]);
  },
);

check('the diagram, the plots and the planner are drawn', BOTH, async ({ page, server }) => {
  await server.publish({ text: 'something to draw' });
  await until('arrows are drawn', async () => (await page.$$('.arrow')).length > 4);
  await until('the planner answers', async () =>
    /^For [\d,]+ clients/.test(await page.$eval('.plan-answer', ({ textContent }) => textContent)),
  );
  await until('plots are drawn', async () => (await page.$$('.plot canvas, .curve canvas')).length >= 6);
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(overflow <= 0, `the page is ${overflow} px too wide`);
  await mkdir(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: `${SCREENSHOTS}firefox.png`, fullPage: true });
});

const textOf = (page, selector) => page.$eval(selector, ({ textContent }) => textContent);

check('lanes are compared once both have five messages', BOTH, async (parts) => {
  const { page, server } = parts;
  await until('both lanes read', async () => (await page.$$('.status[data-link=live]')).length === 2);
  assert.match(await textOf(page, '.verdict'), /^One chat, read twice: Polling asks every 2 s/);
  for (let number = 0; number < 5; number++) await server.publish({ text: `message ${number}` });
  await until('there is a verdict', async () =>
    /^Polling made \d+ requests? to deliver 5 messages; SSE made 1\. With Polling, each message cost /.test(
      await textOf(page, '.verdict'),
    ),
  );
});

check('one, two or three lanes are shown side by side', BOTH, async ({ page, server }) => {
  for (const lanes of [3, 1, 2]) {
    await page.$eval(`#lanes-${lanes}`, (radio) => radio.click());
    await until(`${lanes} lanes read`, async () => {
      const live = (await page.$$('.status[data-link=live]')).length;
      return (await page.$$('.lane')).length === lanes && live === lanes;
    });
    await server.publish({ text: `to ${lanes}` });
    await allHave(page, `to ${lanes}`);
  }
});

check('present mode and its keys work', BOTH, async ({ page, server }) => {
  await until('both lanes read', async () => (await page.$$('.status[data-link=live]')).length === 2);
  const isShown = (selector) => page.$eval(selector, (each) => each.checkVisibility());
  await page.keyboard.press('p');
  assert.deepEqual([await isShown('header'), await isShown('.composer')], [false, false]);
  assert.ok(await isShown('.verdict'));
  assert.match(await page.evaluate(() => location.href), /present=1/);
  await page.keyboard.press('t');
  await until('a conversation runs', async () => (await server.ledger()).transports.publish.messages > 0);
  await page.keyboard.press('t');
  await page.keyboard.press('p');
  assert.deepEqual([await isShown('header'), await isShown('.composer')], [true, true]);
});

check('on a phone the numbers, a diagram and the composer fit', BOTH, async ({ page, server }) => {
  await setViewport(page, { width: 360, height: 640 });
  await server.publish({ text: 'on a phone' });
  await until('arrows are drawn', async () => (await page.$$('.arrow')).length > 4);
  await (await page.waitForSelector('#tab-conversation')).click();
  await page.waitForSelector('#message', { visible: true });
  await allHave(page, 'on a phone');
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(overflow <= 0, `the page is ${overflow} px too wide`);
});

check('a stream resumes after a restart without a gap', '?view=one&transport=stream', async (parts) => {
  const { page, server } = parts;
  await until('the lane streams', async () => (await page.$('.status[data-link=live]')) !== null);
  await server.publish({ text: 'before' });
  await allHave(page, 'before');
  await page.$eval('.network select', (select) => {
    select.value = 'restart';
    select.dispatchEvent(new Event('change', { bubbles: true }));
  });
  for (let number = 0; number < 5; number++) await server.publish({ text: `during ${number}` });
  await allHave(page, 'during 4');
  const [lane] = await texts(page);
  assert.deepEqual(lane, ['before', ...Array.from({ length: 5 }, (_, number) => `during ${number}`)]);
});

const OVER_TLS = ['--tls', 'self-signed'];
check(
  'a lane over HTTP/2 reads next to one over HTTP/1.1',
  `${BOTH}&left=poll&right=poll&interval=0.5`,
  async ({ page, server }) => {
    await page.waitForSelector('#right-protocol');
    await page.select('#right-protocol', 'h2');
    const lanes = () => page.$$eval('.lane', (all) => all.map(({ textContent }) => textContent));
    await until('each lane names its protocol', async () => {
      const [left, right] = await lanes();
      return left.includes('over HTTP/1.1') && right.includes('over HTTP/2 over TLS');
    });
    await server.publish({ text: 'over both' });
    await allHave(page, 'over both');
    const labels = await page.$$eval('.lane .source code', (all) =>
      all.map(({ textContent }) => textContent),
    );
    const seen = await Promise.all(
      labels.map(async (client) => Object.keys((await server.ledger(client)).transports.poll.protocols)),
    );
    assert.deepEqual(seen, [['http/1.1'], ['h2+tls']]);
  },
  OVER_TLS,
);
