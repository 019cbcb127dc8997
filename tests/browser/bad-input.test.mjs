// Invalid input from the address or the server: the page explains it and continues.

import assert from 'node:assert/strict';
import { suite } from './support/suite.mjs';
import { until } from './support/wait.mjs';

const check = suite();

check('invalid parameters of the address are reported and ignored', async ({ open }) => {
  for (const [query, said] of [
    ['?view=triple', 'view=triple'],
    ['?lang=tlh', 'lang=tlh'],
    ['?view=__proto__', 'view=__proto__'],
    ['?mute=0.1', 'mute=0.1'],
    ['?present=2', 'present=2'],
    ['?rate=99', 'from 0.1 to 50 messages a second.'],
    ['?plan-clients=none', 'plan-clients=none'],
    ['?plan-spacing=odd', 'plan-spacing=odd'],
    ['?intervall=1&plan-delay=2', '“intervall” and “plan-delay”, which this page does not know and ignores.'],
    ['?view=triple&interval=61&left=sse', 'left=sse'],
  ]) {
    const lab = await open(query);
    await lab.page.getByRole('alert').getByText(said).waitFor();
    if (query.includes('61')) await lab.page.getByText(/view=triple.*interval=61.*from 0.25 to 60/).waitFor();
    // With an unknown view, the page opens with two lanes.
    await (query.includes('view=') ? lab.waitForBothLanes() : lab.waitForConnection('Polling'));
    await lab.page.getByRole('button', { name: 'Close' }).click();
    assert.equal(await lab.page.getByText(said).isVisible(), false);
    await lab.expectNoErrors();
  }
});

check('a problem is marked at the field that has it', async ({ open }) => {
  const lab = await open('', { name: 'x'.repeat(65) });
  const marked = async () =>
    (await Promise.all([lab.name, lab.message].map((field) => field.getAttribute('aria-invalid')))).join();
  await lab.message.fill('hello');
  await lab.page.getByText('The name is longer than 64 characters.').waitFor();
  assert.equal(await marked(), 'true,');
  await lab.name.fill('mina');
  assert.equal(await marked(), ',');
  await lab.message.fill('x'.repeat(4_097));
  assert.equal(await marked(), ',true');
});

check(
  'after an invalid response to a poll the page says so, polls again and recovers',
  async ({ server, open }) => {
    const lab = await open();
    await lab.setInterval(0.25);
    const said = [];
    for (const body of [
      '{"messages": [',
      '<html>',
      '{"messages": "none"}',
      '{"messages": [{"text": "x"}], "cursor": "a-1", "more": false, "reset": null}',
    ]) {
      await lab.waitForConnection('Polling');
      await lab.page.route('**/poll?*', (route) => route.fulfill({ status: 200, body }));
      await lab.page.getByRole('alert').getByText('something this page cannot read').waitFor();
      assert.match(await lab.statusText(), /^Reconnecting…/);
      await lab.page.getByRole('button', { name: 'Reload the page' }).waitFor();
      await lab.page.unrouteAll({ behavior: 'wait' });
      said.push(`after ${body.slice(0, 20)}`);
      await server.publish({ text: said.at(-1) });
      await lab.expectTexts(said);
      await lab.page.getByRole('button', { name: 'Close' }).click();
    }
    await lab.expectNoErrors();
  },
);

check('unknown fields, events and reset reasons of a newer server are ignored', async ({ server, open }) => {
  const lab = await open();
  await lab.setInterval(0.25);
  await lab.waitForConnection('Polling');
  let reset = 'compacted';
  await lab.page.route('**/poll?*', async (route) => {
    const answer = await (await route.fetch()).json();
    const messages = answer.messages.map((message) => ({ ...message, mood: { is: 'good' }, edited: [1] }));
    await route.fulfill({ json: { ...answer, messages, reset, shard: 7, presence: 'many' } });
    reset = null;
  });
  await lab.log.getByText('for a reason this page does not know').waitFor();
  await server.publish({ text: 'with more to it' });
  await lab.expectTexts(['with more to it']);
  await lab.page.unrouteAll({ behavior: 'wait' });

  await lab.page.route('**/stream?*', (route) =>
    route.fulfill({
      headers: { 'content-type': 'text/event-stream' },
      body: 'retry: 60000\n\nevent: weather\ndata: {"rain": true}\n\nevent: presence\ndata: none\n\n',
    }),
  );
  await lab.transport('SSE').check();
  await until('the stream was read', async () => /^Reconnecting…/.test(await lab.statusText()));
  await lab.page.unrouteAll({ behavior: 'wait' });
  await lab.use('Polling');
  await server.publish({ text: 'and on it goes' });
  await lab.expectTexts(['with more to it', 'and on it goes']);
  await lab.expectNoErrors();
});

check('a page that is older than its server offers to reload', async ({ server, open }) => {
  const lab = await open();
  await lab.setInterval(0.25);
  await lab.waitForConnection('Polling');
  await server.down();
  await until('the page has noticed', async () => /^Reconnecting…/.test(await lab.statusText()));
  await server.up();
  await lab.waitForConnection('Polling');
  assert.equal(await lab.page.getByRole('alert').filter({ hasText: 'newer page' }).count(), 0);

  await lab.page.route(server.page(), (route) =>
    route.fulfill({ contentType: 'text/html', body: '<script src="./assets/index-newer.js"></script>' }),
  );
  await server.down();
  await until('the page has noticed', async () => /^Reconnecting…/.test(await lab.statusText()));
  await server.up();
  await lab.page.getByRole('alert').getByText('The server has a newer page').waitFor();
  await lab.page.unrouteAll({ behavior: 'wait' });
  await lab.page.getByRole('button', { name: 'Reload the page' }).click();
  await lab.page.waitForLoadState();
  await lab.waitForConnection('Polling');
});

check('a page that cannot start says so and offers to reload', async ({ open }) => {
  // As in a browser without a required feature.
  const lab = await open('', { without: 'TextEncoder', settings: false });
  await lab.page.getByRole('heading', { name: 'This page could not begin' }).waitFor();
  await lab.page.getByRole('link', { name: 'Reload the page' }).waitFor();
});

check(
  'with an invalid ledger the page shows no figures, or the last ones with their time',
  async ({ server, open }) => {
    const lab = await open('?view=side-by-side');
    const sentence = lab.page.locator('.verdict');
    for (const body of ['nope', '{}', '{"since":"2026-01-01T00:00:00Z","transports":{"poll":{}}}']) {
      await lab.page.route('**/ledger?*', (route) => route.fulfill({ status: 200, body }));
      await lab.page.reload();
      await lab.waitForBothLanes();
      await server.publish({ text: 'said' });
      await until('the verdict says so', async () => /cannot be read/.test(await sentence.textContent()));
      for (const lane of ['Polling', 'SSE']) {
        await lab.lane(lane).log.getByText('said', { exact: true }).first().waitFor();
        await lab
          .lane(lane)
          .region.getByText(/cannot be read. There are no figures yet/)
          .waitFor();
        assert.equal((await lab.lane(lane).figures())[lane].Messages, null);
      }
      await lab.page.unrouteAll({ behavior: 'wait' });
      // The ledger's responses have the server's time, without which no message has a delay.
      for (const lane of ['Polling', 'SSE']) {
        const complaint = lab.lane(lane).region.getByText(/cannot be read/);
        await complaint.waitFor({ state: 'hidden' });
      }
      for (let number = 1; number <= 5; number++) await server.publish({ text: `said ${number}` });
      await until('there are figures again', async () => / made /.test(await sentence.textContent()));
    }
    await lab.page.route('**/ledger?*', (route) => route.fulfill({ status: 200, body: 'nope' }));
    await lab
      .lane('SSE')
      .region.getByText(/cannot be read. These are of \d\d:\d\d:\d\d/)
      .waitFor();
    assert.match(await sentence.textContent(), / made /);
    await lab.page.unrouteAll({ behavior: 'wait' });
    await lab
      .lane('SSE')
      .region.getByText(/cannot be read/)
      .waitFor({ state: 'hidden' });

    // A lane that is offline says so, and does not blame the server.
    await lab.page.locator('.settings-button').click();
    const { region } = lab.lane('SSE');
    await region.getByRole('combobox', { name: 'Network', exact: true }).selectOption('Offline for 5 s');
    await region.getByText(/^This lane has no connection at the moment. These are of \d\d:/).waitFor();
    assert.equal(await region.getByText('The server does not answer').count(), 0);
  },
);
