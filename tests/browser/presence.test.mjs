// The list of who is here, with their transports, and the time until a departure is noticed.

import assert from 'node:assert/strict';
import { suite } from './support/suite.mjs';
import { until } from './support/wait.mjs';

const check = suite();

const toggle = (lab) => lab.page.getByRole('button', { name: /^Who is here/ });
const here = async (lab) =>
  (await lab.page.locator('.people li').allTextContents()).map((text) => text.trim()).toSorted();

for (const transport of ['Polling', 'SSE']) {
  check(`a page that reads by ${transport} sees who is here`, async ({ open }) => {
    const [mina, tomas] = [await open('', { name: 'mina' }), await open('', { name: 'tomas' })];
    await tomas.use('Long-polling');
    await mina.setInterval(0.25);
    await mina.use(transport);
    await mina.send('hello');
    await toggle(mina).click();
    const shown = [`mina${transport}this page`, 'tomasLong-polling'];
    await tomas.send('hello');
    await until('both are shown', async () => JSON.stringify(await here(mina)) === JSON.stringify(shown));
    await mina.page.getByRole('button', { name: 'Who is here: 2' }).waitFor();
    await tomas.close();
    await until('one has left', async () => (await here(mina)).length === 1);
    await mina.expectNoErrors();
  });
}

check('a page on a quiet stream shows who is here when its list is opened', async ({ open }) => {
  const lab = await open();
  await lab.use('SSE');
  await toggle(lab).click();
  await until('it is shown', async () => (await here(lab)).join() === 'this pageSSE');
  await lab.page.getByRole('button', { name: 'Who is here: 1' }).waitFor();
});

check('the name of someone who left does not reorder the sentence', async ({ open }) => {
  const [lab, other] = [await open(), await open('', { name: 'مينا' })];
  await lab.setInterval(0.25);
  await toggle(lab).click();
  await other.send('hello');
  await until('both are here', async () => (await here(lab)).length === 2);
  await other.close();
  const gone = lab.page.locator('.gone li');
  await gone.getByText(/^مينا \(Polling\) left/).waitFor();
  assert.equal(await gone.locator('bdi').textContent(), 'مينا');
});

check('polls carry presence only while its list is open', async ({ open }) => {
  const lab = await open();
  await lab.setInterval(0.25);
  const asked = [];
  lab.page.on('request', (request) => {
    const { pathname, searchParams } = new URL(request.url());
    if (pathname === '/poll') asked.push(searchParams.get('presence'));
  });
  await until('some polls', () => asked.length >= 2);
  assert.deepEqual([...new Set(asked)], [null]);
  await toggle(lab).click();
  await until('polls ask for presence', () => asked.at(-1) === '1');
  await lab.page.getByRole('button', { name: 'Who is here: 1' }).waitFor();
  await toggle(lab).click();
  await until('polls no longer ask for presence', () => asked.at(-1) === null);
  assert.equal(await toggle(lab).textContent(), 'Who is here');
});

check('of two visitors that leave together, the poller’s departure is noticed later', async ({ open }) => {
  const lab = await open();
  await lab.use('SSE');
  await toggle(lab).click();
  await lab.page.getByRole('button', { name: 'Two visitors come and leave' }).click();
  await lab.page.getByText('longer to notice').waitFor({ timeout: 20_000 });
  const text = await lab.page.locator('.gone').textContent();
  const seconds = (transport) => {
    const [, by, unit] = new RegExp(`visitor \\(${transport}\\) left: noticed ([\\d.,]+) (ms|s) later`).exec(
      text,
    );
    return Number(by.replaceAll(',', '')) / (unit === 'ms' ? 1_000 : 1);
  };
  assert.ok(seconds('Polling') > seconds('SSE'), text);
  // Changes of presence do not remove the sentence.
  const other = await open('', { name: 'ana' });
  await lab.page.getByRole('button', { name: 'Who is here: 2' }).waitFor();
  assert.ok(await lab.page.getByText('longer to notice').isVisible());
  await other.close();
  await lab.expectNoErrors();
});

check('the visitors can come again if the list was closed while they were here', async ({ open }) => {
  const lab = await open();
  await toggle(lab).click();
  const visit = lab.page.getByRole('button', { name: 'Two visitors come and leave' });
  await visit.click();
  assert.ok(await visit.isDisabled());
  await toggle(lab).click();
  await toggle(lab).click();
  assert.ok(await visit.isEnabled());
  await lab.expectNoErrors();
});

check(
  'presence has its own row in each lane’s cost, and is zero while its list is closed',
  async ({ server, open }) => {
    const lab = await open('?view=side-by-side');
    await lab.waitForBothLanes();
    await lab.lane('Polling').setInterval(0.25);
    const row = async (name) => Object.values(await lab.lane(name).figures())[0]['of which presence'];
    const polls = async () => Object.values(await lab.lane('Polling').figures())[0].Requests;
    await until('some is counted', async () => (await polls()) >= 4 && (await row('SSE')) !== null);
    assert.deepEqual([await row('Polling'), await row('SSE')], [0, 0]);

    await toggle(lab).click();
    await until(
      'both have bytes of presence',
      async () => (await row('Polling')) > 200 && (await row('SSE')) > 100,
    );
    const client = await lab.lane('SSE').client();
    const { 'Wire bytes': wire_bytes, 'of which presence': presence } = Object.values(
      await lab.lane('SSE').figures(),
    )[0];
    const { stream } = (await server.ledger(client)).transports;
    assert.ok(presence < wire_bytes && wire_bytes <= stream.wire_bytes_in + stream.wire_bytes_out);

    await toggle(lab).click();
    const asked = await polls();
    await until('polling goes on', async () => (await polls()) >= asked + 3);
    const [polling, sse] = [await row('Polling'), await row('SSE')];
    await until('polling continues', async () => (await polls()) >= asked + 8);
    assert.deepEqual([await row('Polling'), await row('SSE')], [polling, sse]);
    await lab.expectNoErrors();
  },
);
