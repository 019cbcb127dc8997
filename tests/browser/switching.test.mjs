// Switching transports while messages arrive loses and repeats nothing.

import assert from 'node:assert/strict';
import { publishSteadily } from './support/steady.mjs';
import { suite } from './support/suite.mjs';
import { until } from './support/wait.mjs';

const check = suite();

const ORDER = ['SSE', 'Polling', 'Long-polling', 'SSE', 'Long-polling', 'Polling', 'SSE', 'Polling'];

/** Few enough that even a slow page draws each message: of more than 500 at once only the last are shown. */
const PER_SECOND = 100;

for (const store of ['memory', 'sqlite']) {
  check(
    `each message is seen once and in order while the transport changes (${store})`,
    async ({ server, open }) => {
      const page = await open();
      await page.setInterval(0.25);
      await page.waitForConnection('Polling');
      // Records every message shown, as the log itself keeps only the last ones.
      await page.log.evaluate((log) => {
        globalThis.shown = [];
        new MutationObserver((changes) => {
          for (const { addedNodes } of changes) {
            for (const node of addedNodes) {
              const text = node.querySelector?.('.text')?.textContent;
              if (text) globalThis.shown.push(text);
            }
          }
        }).observe(log.querySelector('ol'), { childList: true });
      });

      const source = publishSteadily(server, PER_SECOND);
      for (const transport of ORDER) {
        await page.transport(transport).check();
        const mark = source.published.length + 30;
        await until('some more is published', () => source.published.length >= mark);
      }
      // Then switches faster than any transport can connect.
      for (const transport of [...ORDER, ...ORDER]) await page.transport(transport).check();
      const published = await source.stop();
      assert.ok(published.length >= 30 * ORDER.length);

      await until('the page shows the last message', async () =>
        page.page.evaluate((last) => globalThis.shown.at(-1) === last, published.at(-1)),
      );
      assert.deepEqual(await page.page.evaluate(() => globalThis.shown), published);
      assert.equal(await page.log.locator('.gap').count(), 0);
      await page.expectNoErrors();
    },
    { store },
  );
}

check('switching in an empty room misses nothing either', async ({ server, open }) => {
  const page = await open('?room=quiet');
  await page.use('SSE');
  const texts = Array.from({ length: 60 }, (_, index) => `number ${index}`);
  const [first, ...rest] = ['Polling', 'SSE', 'Long-polling'];
  await page.transport(first).check();
  for (const text of texts) await server.publish({ room: 'quiet', text });
  for (const transport of rest) await page.use(transport);
  await page.expectTexts(texts);
});

check('the log shows which transport delivered a message', async ({ server, open }) => {
  const page = await open();
  const brought = async (text) =>
    page.log.locator('.message', { hasText: text }).getAttribute('data-transport');
  await page.setInterval(0.25);
  for (const [transport, name] of [
    ['Polling', 'poll'],
    ['Long-polling', 'long-poll'],
    ['SSE', 'stream'],
  ]) {
    await page.use(transport);
    await server.publish({ text: `by ${name}` });
    await page.log.getByText(`by ${name}`, { exact: true }).waitFor();
    assert.equal(await brought(`by ${name}`), name);
  }
});

check('of more messages than fit, the log shows the last, without a hole', async ({ server, open }) => {
  const page = await open();
  await page.setInterval(5);
  for (let number = 0; number < 40; number++) await server.publish({ text: `before ${number}` });
  await page.log.getByText('before 39', { exact: true }).waitFor();
  // Scrolled up, the log keeps old rows; without frames, it draws less often than messages arrive.
  await page.log.evaluate((log) => {
    log.scrollTop = 0;
    globalThis.requestAnimationFrame = () => 0;
  });
  let left = 1_500;
  const publish = async () => {
    while (left-- > 0) await server.publish({ text: 'one of many' });
  };
  await Promise.all(Array.from({ length: 8 }, publish));
  const { id } = await server.publish({ text: 'the last' });
  await page.log.getByText('the last', { exact: true }).waitFor();
  const ids = await page.log
    .locator('.message')
    .evaluateAll((rows) => rows.map((row) => Number(row.dataset.id)));
  assert.equal(ids.at(-1), id);
  assert.ok(ids.length >= 500, `${ids.length} are shown`);
  for (const [index, one] of ids.entries()) assert.equal(one, ids[0] + index);
  await page.page.getByRole('button', { name: /1,\d{3} new messages/ }).waitFor();
});
