// Messages of others are always shown as text.

import assert from 'node:assert/strict';
import { suite } from './support/suite.mjs';
import { until } from './support/wait.mjs';

const check = suite();

const HOSTILE = [
  '<img src=x onerror="globalThis.hacked=1">',
  '<script>globalThis.hacked=1</script>',
  '<svg/onload=globalThis.hacked=1>',
  '<style>*{display:none}</style><link rel=stylesheet href=//127.0.0.1:1/x>',
  '</p></li></ol><h1>out of the list</h1>',
  '&lt;b&gt; &amp; &#x3c;i&#x3e;',
  'javascript:globalThis.hacked=1 data:text/html,<script>globalThis.hacked=1</script>',
  '${globalThis.hacked=1} {{constructor.constructor("globalThis.hacked=1")()}}',
  'one\ntwo\tthree   four',
  '\u202Eoverridden to the left',
  'unfinished isolates \u2066\u2067\u2068',
  'שלום עולם و مرحبا',
  `z${'\u0336\u0489\u0301'.repeat(60)}algo`,
  '👩‍👩‍👧‍👦🏳️‍🌈'.repeat(20),
  'w'.repeat(4096),
];

/** A name as hostile as the text, without invisible characters, which the server refuses in names. */
const author = (text) =>
  text
    .slice(0, 40)
    .replace(/\s/g, ' ')
    .replace(/\p{Cf}/gu, '');

for (const transport of ['Polling', 'SSE']) {
  check(`hostile text is shown verbatim over ${transport}`, async ({ server, open }) => {
    const page = await open('', { viewport: { width: 360, height: 740 } });
    await page.setInterval(0.25);
    await page.use(transport);
    for (const text of HOSTILE) await server.publish({ text, author: author(text) });
    await page.expectTexts(HOSTILE);

    assert.equal(await page.page.evaluate(() => globalThis.hacked), undefined);
    assert.deepEqual(
      await page.log.evaluate((log) =>
        [...new Set([...log.querySelectorAll('*')].map(({ tagName }) => tagName))].sort(),
      ),
      ['BDI', 'DIV', 'LI', 'OL', 'P', 'SPAN', 'TIME'],
    );
    assert.equal(await page.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
    assert.equal(await page.log.evaluate((log) => log.scrollWidth <= log.clientWidth), true);
    await page.expectNoErrors();
  });
}

check('a direction override does not affect other text', async ({ server, open }) => {
  const page = await open();
  await page.use('SSE');
  await server.publish({ author: 'mina', text: '\u202Eback to front' });
  await page.expectTexts(['\u202Eback to front']);
  const boxes = await page.log.locator('.message').evaluate((row) => {
    const left = (selector) => row.querySelector(selector).getBoundingClientRect().left;
    return { time: left('time'), author: left('.author'), text: left('.text') };
  });
  assert.ok(boxes.time < boxes.author);
  assert.ok(boxes.author - boxes.text < 1);
});

check('a long conversation keeps the document bounded and says so', async ({ server, open }) => {
  const page = await open('?room=busy');
  await page.use('SSE');
  const texts = Array.from({ length: 620 }, (_, index) => `number ${index}`);
  for (const text of texts) await server.publish({ room: 'busy', text });
  await page.log.getByText('number 619', { exact: true }).waitFor();
  assert.deepEqual(await page.texts(), texts.slice(-500));
  await page.log.getByText('Only the last 500 messages are shown.').waitFor();
});

check('the log follows its end, unless the user has scrolled up', async ({ server, open }) => {
  const page = await open('?room=long');
  await page.use('SSE');
  for (let index = 0; index < 60; index++) await server.publish({ room: 'long', text: `number ${index}` });
  await page.log.getByText('number 59', { exact: true }).waitFor();
  const fromEnd = () => page.log.evaluate((log) => log.scrollHeight - log.scrollTop - log.clientHeight);
  await until('the log is at its end', async () => (await fromEnd()) < 2);

  await page.log.evaluate((log) => log.scrollTo(0, 0));
  for (const text of ['new one', 'new two']) await server.publish({ room: 'long', text });
  const jump = page.page.getByRole('button', { name: '2 new messages' });
  await jump.waitFor();
  assert.equal(await page.log.evaluate((log) => log.scrollTop), 0);
  await jump.click();
  await until('the log is at its end again', async () => (await fromEnd()) < 2);
  assert.equal(await jump.isVisible(), false);
});
