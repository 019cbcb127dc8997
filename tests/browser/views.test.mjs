// Two lanes side by side: each a client of its own, hearing the same, the later one visibly later.

import assert from 'node:assert/strict';
import AxeBuilder from '@axe-core/playwright';
import { suite } from './support/suite.mjs';
import { until } from './support/wait.mjs';

const check = suite();
const BOTH = '?view=side-by-side';

check('one view leads to the other, and the address remembers it', async ({ open }) => {
  const lab = await open('?room=tea');
  assert.equal(await lab.page.getByRole('log').count(), 1);
  await lab.view('Side by side').click();
  assert.equal(await lab.page.getByRole('log', { name: 'Messages' }).count(), 2);
  assert.match(lab.page.url(), /\?room=tea&view=side-by-side$/);
  assert.equal(await lab.view('Side by side').getAttribute('aria-pressed'), 'true');
  await lab.page.reload();
  await lab.lane('Polling').transport('Polling').waitFor();
  assert.equal(await lab.lane('SSE').transport('SSE').isChecked(), true);
  await lab.view('One').click();
  assert.equal(await lab.page.getByRole('log').count(), 1);
  assert.match(lab.page.url(), /\?room=tea$/);
  await lab.noComplaints();
});

check('what is said appears in both lanes, each an own client with its delay', async ({ server, open }) => {
  const lab = await open(BOTH, { name: 'mina' });
  const [left, right] = [lab.lane('Polling'), lab.lane('SSE')];
  await lab.connectedBoth();
  await left.setInterval(1);
  assert.notEqual(await left.client(), await right.client());

  await lab.send('from this page');
  await right.reads(['from this page']);
  await server.publish({ text: 'from elsewhere' });
  for (const lane of [left, right]) await lane.reads(['from this page', 'from elsewhere']);
  for (const lane of [left, right]) {
    await until('both have a delay', async () => (await lane.delays()).every((delay) => delay !== null));
    const [own, other] = await lane.delays();
    assert.match(own, /^seen after [\d,]+ ms$/);
    assert.match(other, /^seen after [\d,]+ ± \d+ ms$/);
  }
  assert.equal(await left.log.locator('.own').count(), 1);
  await lab.noComplaints();
});

check('any of the three stands on either side, and the region says which', async ({ server, open }) => {
  const lab = await open(BOTH);
  await lab.connectedBoth();
  await lab.lane('Polling').transport('Long-polling').check();
  await lab.lane('SSE').transport('Polling').check();
  await lab.lane('Long-polling').log.waitFor();
  await server.publish({ text: 'heard by both' });
  for (const transport of ['Long-polling', 'Polling']) await lab.lane(transport).reads(['heard by both']);
  await lab.lane('Polling').transport('Long-polling').check();
  // Two regions of one name could not be told apart: the second says where it stands.
  for (const [transport, other] of [
    ['Long-polling', 'Polling'],
    ['Polling', 'SSE'],
  ]) {
    await lab.lane(`${transport} (right)`).log.waitFor();
    await lab.lane(transport).log.waitFor();
    const { violations } = await new AxeBuilder({ page: lab.page }).withRules(['landmark-unique']).analyze();
    assert.deepEqual(violations, []);
    for (const lane of [`${transport} (right)`, transport]) await lab.lane(lane).transport(other).check();
  }
  await lab.lane('SSE (right)').log.waitFor();
});

check('a lane goes on where it was when its view comes back', async ({ server, open }) => {
  const lab = await open();
  await lab.setInterval(0.25);
  await server.publish({ text: 'one' });
  await lab.reads(['one']);
  await lab.view('Side by side').click();
  await lab.lane('SSE').reads(['one']);
  await server.publish({ text: 'two' });
  await lab.lane('SSE').reads(['one', 'two']);
  const client = await lab.lane('SSE').client();
  await lab.view('One').click();
  await lab.reads(['one', 'two']);
  await until('the stream of the other view is closed', async () => {
    return (await server.ledger(client)).transports.stream.open === 0;
  });
});

check('the time in which the page had stopped its lanes is no delay', async ({ server, open }) => {
  const lab = await open(BOTH, { name: 'mina' });
  await lab.connectedBoth();
  await lab.page.getByRole('button', { name: /^Who is here/ }).click();
  await lab.send('before');
  for (const lane of ['Polling', 'SSE']) await lab.lane(lane).reads(['before']);
  await lab.view('One').click();
  await lab.send('meanwhile');
  await lab.page.getByRole('list', { name: 'Who left' }).getByText('(SSE) left').waitFor();
  await lab.view('Side by side').click();
  for (const lane of ['Polling', 'SSE']) await lab.lane(lane).reads(['before', 'meanwhile']);
  await server.publish({ text: 'after' });
  for (const lane of ['Polling', 'SSE']) {
    await lab.lane(lane).reads(['before', 'meanwhile', 'after']);
    const delays = await lab.lane(lane).delays();
    assert.deepEqual(
      delays.map((delay) => delay !== null),
      [true, false, true],
      lane,
    );
  }
  await lab.page
    .getByRole('list', { name: 'Who left' })
    .getByText('(SSE) left')
    .waitFor({ state: 'detached' });
});

check('the address opens the page as it was prepared', async ({ open }) => {
  const lab = await open('?room=tea');
  await lab.use('SSE');
  await lab.view('Side by side').click();
  await lab.lane('Polling').setInterval(0.5);
  await lab.lane('Polling').transport('Long-polling').check();
  await lab.lane('SSE').region.getByRole('spinbutton', { name: 'Mute after' }).fill('2');
  await lab.lane('SSE').region.getByRole('spinbutton', { name: 'Mute after' }).blur();
  const address = new URL(lab.page.url());
  assert.equal(
    address.search,
    '?room=tea&transport=stream&view=side-by-side&left=long-poll&interval=0.5&interval=2&mute=45&mute=2',
  );
  const other = await open(address.search);
  await other.lane('Long-polling').transport('Long-polling').waitFor();
  assert.equal(
    await other
      .lane('Long-polling')
      .region.getByRole('spinbutton', { name: 'Polling interval' })
      .inputValue(),
    '0.5',
  );
  assert.equal(
    await other.lane('SSE').region.getByRole('spinbutton', { name: 'Mute after' }).inputValue(),
    '2',
  );
  await other.view('One').click();
  await other.connected('SSE');
  // Another room is opened in the same way.
  const link = other.page.locator('.room-form input[name=left]');
  await other.page.getByRole('textbox', { name: 'Room' }).fill('coffee');
  await other.page.getByRole('button', { name: 'Go', exact: true }).click();
  await other.page.waitForURL(/room=coffee/);
  await other.connected('SSE');
  assert.equal(await link.inputValue(), 'long-poll');
});
