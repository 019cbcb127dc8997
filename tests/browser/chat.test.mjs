// Two people chat in one room, over each transport; rooms are separate.

import assert from 'node:assert/strict';
import { suite } from './support/suite.mjs';
import { until } from './support/wait.mjs';

const check = suite();

for (const transport of ['Polling', 'Long-polling', 'SSE']) {
  for (const store of ['memory', 'sqlite']) {
    check(
      `two pages chat over ${transport} (${store})`,
      async ({ open }) => {
        const [mina, tomas] = [await open('', { name: 'mina' }), await open('', { name: 'tomas' })];
        for (const page of [mina, tomas]) {
          await page.setInterval(0.25);
          await page.use(transport);
        }
        const said = [];
        for (const [page, text] of [
          [mina, 'Is anybody there?'],
          [tomas, 'I am.'],
          [mina, 'Good.'],
        ]) {
          await page.send(text);
          said.push(text);
          await mina.expectTexts(said);
          await tomas.expectTexts(said);
          assert.equal(await page.message.inputValue(), '');
        }
        assert.deepEqual(await mina.log.locator('.author').allTextContents(), ['mina', 'tomas', 'mina']);
        assert.deepEqual(
          await mina.log.locator('.message.own .text').allTextContents(),
          ['Is anybody there?', 'Good.'],
          'a page knows its own messages',
        );
        for (const page of [mina, tomas]) await page.expectNoErrors();
      },
      { store },
    );
  }
}

check('two pages on different transports read the same', async ({ open }) => {
  const mina = await open('', { name: 'mina' });
  const tomas = await open('', { name: 'tomas' });
  await mina.use('SSE');
  await tomas.setInterval(0.25);
  await mina.send('over the stream');
  await tomas.expectTexts(['over the stream']);
  await tomas.send('by a poll');
  await mina.expectTexts(['over the stream', 'by a poll']);
});

check('messages written in quick succession are published in order', async ({ open }) => {
  const mina = await open('', { name: 'mina' });
  await mina.use('SSE');
  const texts = Array.from({ length: 12 }, (_, index) => `line ${index}`);
  for (const text of texts) await mina.send(text);
  await mina.expectTexts(texts);
});

check('a page that opens later shows earlier messages', async ({ server, open }) => {
  const texts = ['one', 'two', 'three'];
  for (const text of texts) await server.publish({ text });
  for (const transport of ['Polling', 'Long-polling', 'SSE']) {
    const page = await open();
    await page.expectTexts(texts);
    await page.use(transport);
    assert.deepEqual(await page.texts(), texts);
  }
});

check('messages of one room do not appear in another', async ({ server, open }) => {
  const tea = await open('?room=tea', { name: 'mina' });
  const coffee = await open('?room=coffee', { name: 'tomas' });
  for (const page of [tea, coffee]) await page.use('SSE');
  await tea.send('in tea');
  await server.publish({ room: 'coffee', text: 'in coffee' });
  await tea.expectTexts(['in tea']);
  await coffee.expectTexts(['in coffee']);
  assert.equal(await tea.page.title(), 'tea · poll vs sse');
});

check('the form in the header goes to another room', async ({ open }) => {
  const page = await open('?room=tea');
  await page.page.getByRole('textbox', { name: 'Room' }).fill('coffee');
  await page.page.getByRole('button', { name: 'Go' }).click();
  await page.page.waitForURL(/[?&]room=coffee/);
  await until('the other room is open', async () => (await page.page.title()).startsWith('coffee'));
  await page.expectNoErrors();
});

check('the link to a room can be copied', async ({ server, open }) => {
  const page = await open('?room=tea&x=1', { permissions: ['clipboard-read', 'clipboard-write'] });
  await page.page.getByRole('button', { name: 'Copy link' }).click();
  await page.page.getByRole('button', { name: 'Link copied' }).waitFor();
  assert.equal(
    await page.page.evaluate(() => navigator.clipboard.readText()),
    server.page('?room=tea&view=one'),
  );
});

for (const [room, shown] of [
  ['a%20b', 'a b'],
  ['%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E', '<img src=x onerror=alert(1)>'],
  ['%ED%95%9C%EA%B5%AD', '한국'],
  ['x'.repeat(65), 'x'.repeat(65)],
]) {
  check(`“${shown.slice(0, 30)}” is not a valid room, and the page links to the lobby`, async ({ open }) => {
    const page = await open(`?room=${room}`, { settings: false });
    await page.page.getByRole('heading', { name: 'No such room' }).waitFor();
    assert.ok((await page.page.getByRole('main').textContent()).includes(shown));
    await page.page.getByRole('link', { name: 'Go to the lobby' }).click();
    await page.log.first().waitFor();
    assert.match(page.page.url(), /\?room=lobby&view=one$/);
    await page.expectNoErrors();
  });
}

check('the name is remembered', async ({ open }) => {
  const page = await open('', { name: 'mina' });
  await page.use('SSE');
  await page.send('hello');
  await page.expectTexts(['hello']);
  await page.page.reload();
  assert.equal(await page.name.inputValue(), 'mina');
});

check(
  'with several lanes, screen readers hear who wrote a message, and the cost comes last',
  async ({ server, open }) => {
    const lab = await open('?view=side-by-side');
    await lab.waitForBothLanes();
    await server.publish({ author: 'mina', text: 'hello' });
    const { log, region } = lab.lane('SSE');
    await log.getByText('hello', { exact: true }).waitFor();
    assert.match(await log.ariaSnapshot(), /mina/);
    const order = await region.evaluate((lane) =>
      ['.log', '.diagram', '.cost'].map((part) =>
        [...lane.querySelectorAll('*')].indexOf(lane.querySelector(part)),
      ),
    );
    assert.deepEqual(
      order,
      order.toSorted((one, other) => one - other),
    );
  },
);

check('without a name nothing is sent, and the page asks for one', async ({ open }) => {
  const page = await open();
  await page.send('hello');
  await page.page.getByRole('alert').getByText('Write your name first.').waitFor();
  assert.equal(await page.message.inputValue(), 'hello');
  assert.ok(await page.name.evaluate((field) => field === document.activeElement));
});

check('a message that cannot be sent stays in its field, with the reason', async ({ server, open }) => {
  const page = await open('', { name: 'mina' });
  await page.send('x'.repeat(4097));
  await page.page.getByRole('alert').getByText('1 character too long').waitFor();
  assert.equal((await page.message.inputValue()).length, 4097);
  await page.message.fill('a bell: \u0007');
  await page.message.press('Enter');
  await page.page.getByRole('alert').getByText('The message contains a control character').waitFor();
  assert.equal(await page.message.inputValue(), 'a bell: \u0007');

  await page.name.fill('mi\u0007na');
  await page.send('hello');
  await page.page.getByRole('alert').getByText('The name contains a control character').waitFor();
  assert.equal(await page.message.inputValue(), 'hello');

  await page.name.fill('mina');
  await server.down();
  await page.message.press('Enter');
  await page.page.getByRole('alert').getByText('the server could not be reached').waitFor();
  assert.equal(await page.message.inputValue(), 'hello');
  await server.up();
  await page.message.press('Enter');
  await until('it is sent', async () => (await page.texts()).includes('hello'));
});
