// The Traffic control publishes real messages, with its own author, and stops.

import assert from 'node:assert/strict';
import { suite } from './support/suite.mjs';
import { until } from './support/wait.mjs';

const check = suite();

const button = (lab, name) =>
  lab.page.getByRole('group', { name: 'Traffic' }).getByRole('button', { name, exact: true });
const pressed = (lab, name) => button(lab, name).getAttribute('aria-pressed');
const published = async (server) => (await server.ledger()).transports.publish.messages;

check('a burst publishes 200 messages by the author “traffic”', async ({ server, open }) => {
  const lab = await open();
  await lab.use('SSE');
  await button(lab, 'Burst of 200').click();
  await lab.page.getByText('Done: 200 published.').waitFor({ timeout: 60_000 });
  await until('all are seen', async () => (await lab.texts()).length === 200);
  assert.equal(await published(server), 200);
  assert.deepEqual(
    (await lab.texts()).toSorted(),
    Array.from({ length: 200 }, (_, index) => `burst ${index + 1}`).toSorted(),
  );
  assert.deepEqual([...new Set(await lab.log.locator('.author').allTextContents())], ['traffic']);
  assert.equal(await pressed(lab, 'Quiet'), 'true');
  assert.ok((await lab.delays()).every((delay) => /^seen after [\d,]+ ms$/.test(delay)));
  await lab.expectNoErrors();
});

check('a steady rate continues until it is stopped', async ({ server, open }) => {
  const lab = await open();
  await lab.page.getByRole('spinbutton', { name: 'Messages per second' }).fill('40');
  await button(lab, 'Steady rate').click();
  await until('some are published', async () => (await published(server)) >= 5);
  assert.equal(await pressed(lab, 'Steady rate'), 'true');
  await button(lab, 'Quiet').click();
  const [, reported] = await until('the page says how many were published', async () =>
    /^Stopped: (\d+) published\.$/.exec(await lab.page.locator('.traffic-state').textContent()),
  );
  // At most two were in flight when it stopped.
  await until('nothing more is published', async () => {
    const before = await published(server);
    await lab.page.evaluate(() => new Promise((done) => setTimeout(done, 200)));
    return (await published(server)) === before;
  });
  assert.ok((await published(server)) - Number(reported) <= 2);
});

check('traffic stops if the server is away, and says so', async ({ server, open }) => {
  const lab = await open();
  await lab.use('SSE');
  await lab.page.getByRole('spinbutton', { name: 'Messages per second' }).fill('50');
  await button(lab, 'Steady rate').click();
  await until('it runs', async () => (await published(server)) > 0);
  await server.down();
  await lab.page.getByText('The server could not be reached.').waitFor();
  assert.equal(await pressed(lab, 'Quiet'), 'true');
});

check('a page that is opened in the background publishes once it is visible', async ({ server, open }) => {
  const lab = await open('?traffic=chatty', {
    before: () => Object.defineProperty(document, 'hidden', { value: true, configurable: true }),
  });
  await lab.waitForConnection('Polling');
  assert.equal(await published(server), 0);
  assert.match(lab.page.url(), /traffic=chatty/);
  await lab.page.evaluate(() => {
    delete document.hidden;
    document.dispatchEvent(new Event('visibilitychange'));
  });
  await until('it publishes', async () => (await published(server)) > 0);
});

check('traffic stops when the page is hidden, and when another pattern begins', async ({ server, open }) => {
  const lab = await open();
  await button(lab, 'Chatty room').click();
  await until('it runs', async () => (await published(server)) > 0);
  await button(lab, 'Steady rate').click();
  assert.equal(await pressed(lab, 'Chatty room'), 'false');
  await lab.page.evaluate(() => {
    Object.defineProperty(document, 'hidden', { value: true });
    document.dispatchEvent(new Event('visibilitychange'));
  });
  await lab.page.getByText('Stopped as the page was out of sight').waitFor();
});

check('a rate out of range is corrected, and the range is shown', async ({ open }) => {
  const lab = await open();
  const rate = lab.page.getByRole('spinbutton', { name: 'Messages per second' });
  for (const [given, kept] of [
    ['1000', '50'],
    ['-3', '0.1'],
    ['', '2'],
  ]) {
    await rate.fill(given);
    await rate.blur();
    assert.equal(await rate.inputValue(), kept);
    await lab.page.getByText('A number from 0.1 to 50.').waitFor();
    await rate.fill('3');
    await until(
      'a valid rate clears the message',
      async () => (await lab.page.locator('.traffic-range').textContent()) === '',
    );
  }
});
