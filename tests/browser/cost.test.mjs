// The Cost table shows exactly what the server counted.

import assert from 'node:assert/strict';
import { suite } from './support/suite.mjs';
import { until } from './support/wait.mjs';

const check = suite();

const NAMES = { Polling: 'poll', 'Long-polling': 'long-poll', SSE: 'stream' };

/** Converts the ledger to the table's rows, for the transports that the table shows. */
function asTable({ transports }, columns) {
  return Object.fromEntries(
    columns.map((column) => {
      const counted = transports[NAMES[column]];
      const { requests, empty, messages, connections, wire_bytes_in, wire_bytes_out } = counted;
      const wire_bytes = wire_bytes_in + wire_bytes_out;
      return [
        column,
        {
          Requests: requests,
          'Empty answers': empty,
          Messages: messages,
          Connections: connections,
          'Connection bytes': counted.connection_bytes_in + counted.connection_bytes_out,
          'Wire bytes': wire_bytes,
          'Bytes per message': messages === 0 ? null : Math.round(wire_bytes / messages),
        },
      ];
    }),
  );
}

/** Rows that the page measures itself. */
const MEASURED = ['Delay (median)', 'Delay (95 %)', 'of which heads', 'of which presence'];

/** The figures without the measured rows. */
function counted(figures) {
  return Object.fromEntries(
    Object.entries(figures).map(([column, rows]) => [
      column,
      Object.fromEntries(Object.entries(rows).filter(([row]) => !MEASURED.includes(row))),
    ]),
  );
}

check('a page that reads a quiet stream shows the ledger exactly', async ({ server, open }) => {
  const page = await open();
  await page.setInterval(0.25);
  const client = await page.client();
  await until('some polls', async () => (await page.figures()).Polling.Requests >= 3);
  await page.use('Long-polling');
  await server.publish({ text: 'one' });
  await page.expectTexts(['one']);
  await page.use('SSE');
  // A client that closes its side may still read, so the server checks a moment later whether it is gone.
  await until(
    'the server has noticed that the long-poll was aborted',
    async () => (await server.ledger(client)).transports['long-poll'].open === 0,
  );
  for (const text of ['two', 'three']) await server.publish({ text });
  await page.expectTexts(['one', 'two', 'three']);

  // The stream is quiet now, so the page's figures and the ledger's become equal and stay so.
  const columns = ['Polling', 'Long-polling', 'SSE'];
  await until('the table equals the ledger', async () => {
    const [shown, ledger] = [await page.figures(), await server.ledger(client)];
    return JSON.stringify(counted(shown)) === JSON.stringify(asTable(ledger, columns));
  });
  const { Polling, SSE, 'Long-polling': longPolling } = await page.figures();
  assert.ok(Polling['Empty answers'] >= 2);
  assert.equal(longPolling.Messages, 1);
  assert.deepEqual({ requests: SSE.Requests, messages: SSE.Messages }, { requests: 1, messages: 2 });
  for (const { 'Wire bytes': wire_bytes } of [Polling, longPolling, SSE]) assert.ok(wire_bytes > 0);
});

check(
  'there is a column for each transport that was used, and the current one is marked',
  async ({ open }) => {
    const page = await open();
    const columns = async () => Object.keys(await page.figures());
    const marked = () => page.cost.locator('th[aria-current=true]').textContent();
    await page.waitForConnection('Polling');
    assert.deepEqual(await columns(), ['Polling']);
    await until('the polls are counted', async () => (await page.figures()).Polling.Requests > 0);
    await page.use('SSE');
    assert.deepEqual(await columns(), ['Polling', 'SSE']);
    assert.equal(await marked(), 'SSE');
  },
);

check('while polling, the table never exceeds a later ledger', async ({ server, open }) => {
  const page = await open();
  await page.setInterval(0.25);
  const client = await page.client();
  await until('some polls', async () => (await page.figures()).Polling.Requests >= 4);
  const { Polling: shown } = await page.figures();
  const { Polling: now } = asTable(await server.ledger(client), ['Polling']);
  // Only this row may decrease.
  delete now['Bytes per message'];
  for (const row of Object.keys(now))
    assert.ok(shown[row] <= now[row], `${row}: ${shown[row]} > ${now[row]}`);
});

check('the interval decides how many requests there are', async ({ server, open }) => {
  const page = await open();
  const client = await page.client();
  await page.waitForConnection('Polling');
  await page.setInterval(30);
  const field = page.page.getByRole('spinbutton', { name: 'Polling interval' });
  await until('the interval is shown', async () => (await field.inputValue()) === '30');
  const { requests } = (await server.ledger(client)).transports.poll;
  await page.setInterval(0.25);
  await until(
    'there are more',
    async () => (await server.ledger(client)).transports.poll.requests >= requests + 4,
  );
});

check(
  'figures and sentences are accurate: shared connections, start times and pending messages',
  async ({ server, open }) => {
    const lab = await open('?view=side-by-side', { name: 'mina' });
    const { page } = lab;
    await lab.waitForBothLanes();
    await lab.lane('Polling').setInterval(0.25);
    const { region } = lab.lane('Polling');
    await until('polls are counted', async () => (await lab.lane('Polling').figures()).Polling.Requests >= 4);

    // A new client on an existing connection has opened none, and says so.
    const clicked = Date.now();
    await page.getByRole('button', { name: 'Start over' }).click();
    const cell = region.locator('td[data-row=connections]');
    await until('the client reuses a connection', async () => (await cell.textContent()) === '0, reused one');

    // Its figures count since its own start, not the server's.
    const [, since] = /since (\d\d:\d\d:\d\d)\.$/.exec(await region.locator('.source span').textContent());
    const shown = await page.evaluate(
      (ms) =>
        [0, 1_000, 2_000].map((later) =>
          new Date(ms + later).toLocaleTimeString('en', { hourCycle: 'h23', timeStyle: 'medium' }),
        ),
      clicked,
    );
    assert.ok(shown.includes(since), `${since} is not one of ${shown.join()}`);

    // The pending notice names the lane that lacks the message.
    await lab.lane('Polling').setInterval(30);
    await lab.send('hello');
    await page.getByText('In the log. Polling shows it with its next poll.', { exact: true }).waitFor();
    await lab.lane('SSE').expectTexts(['hello']);
    await lab.lane('Polling').setInterval(0.25);
    await lab.lane('Polling').expectTexts(['hello']);
    await lab.expectNoErrors();
  },
);
