// Every fault on every transport, with an audit that each message was seen once and in order.

import assert from 'node:assert/strict';
import { expectAllSeen, publishNumbered, watchLog, watchText } from './support/audit.mjs';
import { suite } from './support/suite.mjs';
import { until } from './support/wait.mjs';

const check = suite();

/** A longer time-out, as many lanes read at once. */
const LONG_MS = 40_000;
const TRANSPORTS = ['Polling', 'Long-polling', 'SSE'];
const CALM = { reducedMotion: 'reduce' };

const FAULTS = [
  ['Buffering proxy', 'Cut after 5 s'],
  ['Slow link', 'Offline for 5 s'],
  ['Server restart', 'Healthy'],
];
const MOMENTARY = ['Offline for 5 s', 'Server restart'];

/** One lane of a page, and everything that it has shown. */
async function prepareLane(page, index, transport, fault) {
  const lane = page.locator('.lane').nth(index);
  const network = lane.getByRole('combobox', { name: 'Network', exact: true });
  const use = (name) => lane.getByRole('radio', { name, exact: true }).check();
  // Sets the interval, which also applies to polls that replace a mute stream.
  await use('Polling');
  await lane.getByRole('spinbutton', { name: 'Polling interval' }).fill('0.25');
  await use(transport);
  const status = lane.getByRole('status');
  await until(`${transport} is connected`, async () =>
    /^(Polling|Long-polling|Streaming)/.test(await status.textContent()),
  );
  return {
    who: `${fault} × ${transport}`,
    fault,
    transport,
    network,
    shown: await watchLog(lane.getByRole('log')),
    said: await watchText(status),
    lane,
    client: await lane.locator('.source code').textContent(),
    chosen: () => network.evaluate((select) => select.selectedOptions[0].textContent),
  };
}

/** Checks that the fault had an effect on the page and in the server's ledger. */
async function expectEffect({ who, fault, transport, lane, said, client }, server) {
  const texts = await said();
  const cost = (await server.ledger(client)).transports;
  const reconnected = texts.some((text) => /^Reconnecting/.test(text));
  switch (fault) {
    case 'Buffering proxy':
      if (transport !== 'SSE') return assert.ok(!reconnected, who);
      assert.ok(
        texts.some((text) => /^Polling in place of a mute stream/.test(text)),
        `${who}: ${texts}`,
      );
      assert.ok(cost.poll.messages > 0, who);
      break;
    case 'Cut after 5 s':
      // If a poll's connection is closed, the browser itself repeats the request, unseen by the page.
      if (transport !== 'SSE') return assert.ok(!reconnected, `${who}: ${texts}`);
      assert.ok(reconnected && cost.stream.requests > 1, `${who}: ${texts}`);
      break;
    case 'Slow link': {
      // As the page measured it, including messages before and after the fault. Without the fault, polls have up to
      // their interval of 250 ms.
      const healthy_ms = transport === 'SSE' ? 200 : 500;
      const row = lane.getByRole('row', { name: /^Delay \(95 %\)/ });
      const delay_ms = Number((await row.textContent()).replace(/^.*\)|\D/g, ''));
      assert.ok(delay_ms > healthy_ms, `${who}: ${await row.textContent()}`);
      break;
    }
    case 'Server restart':
      // As above.
      if (transport !== 'Long-polling') assert.ok(reconnected, `${who}: ${texts}`);
      break;
    case 'Offline for 5 s':
      assert.ok(reconnected, `${who}: ${texts}`);
      break;
    case 'Healthy':
      assert.ok(!reconnected, `${who}: ${texts}`);
  }
}

for (const transport of TRANSPORTS)
  check(`every fault on ${transport}: each message is seen once and in order`, async ({ server, open }) => {
    const lanes = [];
    // One page at a time, as loading takes more CPU than reading.
    for (const faults of FAULTS) {
      const lab = await open('?view=side-by-side&mute=2', CALM);
      // Six moving diagrams would be most of the work.
      await lab.pause();
      for (const [index, fault] of faults.entries())
        lanes.push(await prepareLane(lab.page, index, transport, fault));
    }
    assert.equal(lanes.length, 6);

    const source = publishNumbered(server, { every_ms: 150 });
    await source.more(3);
    await Promise.all(lanes.map(({ network, fault }) => network.selectOption({ label: fault })));
    // Waits for the last effects: the cut occurs after 5 s, and so does the end of being offline.
    const momentary = lanes.filter(({ fault }) => MOMENTARY.includes(fault));
    for (const { who, chosen } of momentary) {
      await until(`${who} ends`, async () => (await chosen()) === 'Healthy', LONG_MS);
    }
    const cut = lanes.filter(({ fault, transport }) => fault.startsWith('Cut') && transport === 'SSE');
    for (const { who, said } of cut) {
      await until(
        `${who} has an effect`,
        async () => (await said()).some((text) => /^Reconnecting/.test(text)),
        LONG_MS,
      );
    }
    await source.more(5);
    await Promise.all(lanes.map(({ network }) => network.selectOption({ label: 'Healthy' })));
    await source.more(5);
    const published = await source.stop();

    for (const lane of lanes) {
      await expectAllSeen(lane.who, lane.shown, published);
      await expectEffect(lane, server);
    }
  });

check('a fault of one lane does not affect the other', async ({ server, open }) => {
  const { page } = await open('?view=side-by-side&mute=2');
  const left = await prepareLane(page, 0, 'SSE', 'Offline for 5 s');
  const right = await prepareLane(page, 1, 'SSE', 'Healthy');
  await left.network.selectOption({ label: 'Offline for 5 s' });
  await server.publish({ text: 'while the left is away' });
  await until('the right shows it', async () => (await right.shown()).length === 1);
  assert.deepEqual(await left.shown(), []);
  await expectAllSeen('the left', left.shown, ['while the left is away']);
  assert.ok((await right.said()).every((text) => !/^Reconnecting/.test(text)));
});

check('no message is lost while faults and transports change in mid-traffic', async ({ server, open }) => {
  const page = await open('?mute=2');
  await page.setInterval(0.25);
  await page.waitForConnection('Polling');
  const shown = await watchLog(page.log);
  const network = page.page.getByRole('combobox', { name: 'Network', exact: true });
  const source = publishNumbered(server, { every_ms: 10 });
  for (const [transport, fault] of [
    ['SSE', 'Slow link'],
    ['Polling', 'Server restart'],
    ['Long-polling', 'Offline for 5 s'],
    ['SSE', 'Buffering proxy'],
    ['Long-polling', 'Cut after 5 s'],
    ['SSE', 'Offline for 5 s'],
    ['Polling', 'Healthy'],
    ['SSE', 'Server restart'],
    ['SSE', 'Healthy'],
  ]) {
    await network.selectOption({ label: fault });
    await page.transport(transport).check();
    await source.more(12);
  }
  const published = await source.stop();
  await expectAllSeen('the page', shown, published);
});
