// Two lanes side by side: separate clients that read the same room.

import assert from 'node:assert/strict';
import AxeBuilder from '@axe-core/playwright';
import { suite } from './support/suite.mjs';
import { until } from './support/wait.mjs';

const check = suite();
const BOTH = '?view=side-by-side';
const TEACHERS = [
  { width: 1280, height: 720 },
  { width: 1366, height: 768 },
  { width: 1920, height: 1080 },
];

check('views can be switched, and the address keeps the view', async ({ open }) => {
  const lab = await open('?room=tea');
  assert.equal(await lab.page.getByRole('log').count(), 1);
  await lab.lanes(2).check({ force: true });
  assert.equal(await lab.page.getByRole('log', { name: 'Messages' }).count(), 2);
  assert.match(lab.page.url(), /\?room=tea$/);
  assert.equal(await lab.lanes(2).isChecked(), true);
  await lab.page.reload();
  await lab.lane('Polling').transport('Polling').waitFor();
  assert.equal(await lab.lane('SSE').transport('SSE').isChecked(), true);
  await lab.lanes(1).check({ force: true });
  assert.equal(await lab.page.getByRole('log').count(), 1);
  assert.match(lab.page.url(), /\?room=tea&view=one$/);
  await lab.expectNoErrors();
});

check(
  'a view that is left before its lanes have started leaves no lane reading',
  async ({ server, open }) => {
    const lab = await open('?view=one&transport=stream');
    await lab.waitForConnection('SSE');
    const client = await lab.client();
    const isReading = async () => (await server.ledger(client)).transports.stream.open === 1;
    assert.ok(await isReading());
    // The lanes of each new view wait for the room's past, which has no client label.
    const isHistory = ({ pathname, searchParams }) => pathname === '/poll' && !searchParams.has('client');
    await lab.page.route(isHistory, async (route) => {
      await lab.page.waitForTimeout(1_000);
      await route.continue();
    });
    await lab.lanes(2).check({ force: true });
    await lab.lanes(3).check({ force: true });
    await until('the first lane no longer reads', async () => !(await isReading()));
    assert.equal(await lab.page.getByRole('log', { name: 'Messages' }).count(), 3);
    await lab.expectNoErrors();
  },
);

check('messages appear in both lanes, each with its own client and delay', async ({ server, open }) => {
  const lab = await open(BOTH, { name: 'mina' });
  const [left, right] = [lab.lane('Polling'), lab.lane('SSE')];
  await lab.waitForBothLanes();
  await left.setInterval(1);
  assert.notEqual(await left.client(), await right.client());

  await lab.send('from this page');
  await right.expectTexts(['from this page']);
  await server.publish({ text: 'from elsewhere' });
  for (const lane of [left, right]) await lane.expectTexts(['from this page', 'from elsewhere']);
  for (const lane of [left, right]) {
    await until('both have a delay', async () => (await lane.delays()).every((delay) => delay !== null));
    const [own, other] = await lane.delays();
    assert.match(own, /^seen after [\d,]+ ms$/);
    assert.match(other, /^seen after [\d,]+ ± \d+ ms$/);
  }
  assert.equal(await left.log.locator('.own').count(), 1);
  await lab.expectNoErrors();
});

check('each side can use any transport, and regions have unique names', async ({ server, open }) => {
  const lab = await open(BOTH);
  await lab.waitForBothLanes();
  await lab.lane('Polling').transport('Long-polling').check();
  await lab.lane('SSE').transport('Polling').check();
  await lab.lane('Long-polling').log.waitFor();
  await server.publish({ text: 'heard by both' });
  for (const transport of ['Long-polling', 'Polling'])
    await lab.lane(transport).expectTexts(['heard by both']);
  await lab.lane('Polling').transport('Long-polling').check();
  // If both lanes have the same transport, the second region's name includes its position.
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

check('a lane continues at its cursor when its view returns', async ({ server, open }) => {
  const lab = await open();
  await lab.setInterval(0.25);
  await server.publish({ text: 'one' });
  await lab.expectTexts(['one']);
  await lab.lanes(2).check({ force: true });
  await lab.lane('SSE').expectTexts(['one']);
  await server.publish({ text: 'two' });
  await lab.lane('SSE').expectTexts(['one', 'two']);
  const client = await lab.lane('SSE').client();
  await lab.lanes(1).check({ force: true });
  await lab.expectTexts(['one', 'two']);
  await until('the stream of the other view is closed', async () => {
    return (await server.ledger(client)).transports.stream.open === 0;
  });
});

check('messages published while a lane was stopped have no delay', async ({ server, open }) => {
  const lab = await open(BOTH, { name: 'mina' });
  await lab.waitForBothLanes();
  await lab.page.getByRole('button', { name: /^Who is here/ }).click();
  await lab.send('before');
  for (const lane of ['Polling', 'SSE']) await lab.lane(lane).expectTexts(['before']);
  await lab.lanes(1).check({ force: true });
  await lab.send('meanwhile');
  await lab.page.getByRole('list', { name: 'Who left' }).getByText('(SSE) left').waitFor();
  await lab.lanes(2).check({ force: true });
  for (const lane of ['Polling', 'SSE']) await lab.lane(lane).expectTexts(['before', 'meanwhile']);
  await server.publish({ text: 'after' });
  for (const lane of ['Polling', 'SSE']) {
    await lab.lane(lane).expectTexts(['before', 'meanwhile', 'after']);
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

check('the address opens the page with its settings', async ({ open }) => {
  const lab = await open('?room=tea');
  await lab.use('SSE');
  await lab.lanes(2).check({ force: true });
  await lab.lane('Polling').setInterval(0.5);
  await lab.lane('Polling').transport('Long-polling').check();
  await lab.lane('SSE').region.getByRole('spinbutton', { name: 'Mute after' }).fill('2');
  await lab.lane('SSE').region.getByRole('spinbutton', { name: 'Mute after' }).blur();
  const address = new URL(lab.page.url());
  assert.equal(
    address.search,
    '?room=tea&view=side-by-side&transport=stream&left=long-poll&interval=0.5&interval=2&mute=45&mute=2',
  );
  const other = await open(address.search);
  await other.lane('Long-polling').transport('Long-polling').waitFor();
  assert.equal(
    await other.lane('SSE').region.getByRole('spinbutton', { name: 'Mute after' }).inputValue(),
    '2',
  );
  // Only a polling lane shows its interval.
  await other.lane('Long-polling').transport('Polling').check();
  const interval = other.lane('Polling').region.getByRole('spinbutton', { name: 'Polling interval' });
  assert.equal(await interval.inputValue(), '0.5');
  await other.lane('Polling').transport('Long-polling').check();
  await other.lanes(1).check({ force: true });
  await other.waitForConnection('SSE');
  // Another room opens with the same settings.
  const link = other.page.locator('.room-form input[name=left]');
  await other.page.getByRole('textbox', { name: 'Room' }).fill('coffee');
  await other.page.getByRole('button', { name: 'Go', exact: true }).click();
  await other.page.waitForURL(/room=coffee/);
  await other.waitForConnection('SSE');
  assert.equal(await link.inputValue(), 'long-poll');
});

check(
  'the page opens with two moving lanes, and one button starts a conversation',
  async ({ server, open }) => {
    for (const viewport of TEACHERS) {
      const lab = await open('?view=side-by-side', { viewport, settings: false });
      const { page } = lab;
      await lab.waitForBothLanes();
      await page
        .getByText(/^One chat, read twice: Polling asks every 2 s .* SSE asks once and is told\.$/)
        .waitFor();
      const place = () =>
        page
          .locator('.tape')
          .first()
          .evaluate((tape) => getComputedStyle(tape).transform);
      const first = await place();
      await until('the diagram moves', async () => (await place()) !== first);
      await page.getByRole('button', { name: 'Start a conversation' }).click();
      await until(
        'five messages are published',
        async () => (await server.ledger()).transports.publish.messages >= 5,
        40_000,
      );
      await until(
        'there is a verdict',
        async () => / made /.test(await page.locator('.verdict').textContent()),
        40_000,
      );
      await page.getByRole('button', { name: 'Stop the conversation' }).click();

      // Everything is in the window, and important text is readable from the last row.
      const shown = [
        '.verdict',
        '.glance-figure',
        '.glance-caption',
        '.lane .picture',
        '.lane .log-frame',
        '.composer .send',
        '.traffic .segments',
      ];
      for (const selector of shown) {
        const boxes = await page
          .locator(selector)
          .evaluateAll((all) => all.map((each) => each.getBoundingClientRect().toJSON()));
        assert.ok(boxes.length > 0, selector);
        for (const { top, bottom, left, right } of boxes)
          assert.ok(
            top >= 0 && left >= 0 && bottom <= viewport.height + 1 && right <= viewport.width + 1,
            `${selector} at ${viewport.width}: ${JSON.stringify({ top, bottom, left, right })}`,
          );
      }
      for (const selector of [
        '.verdict',
        '.glance-figure',
        '.glance-caption',
        '.message .text',
        '.words .label',
      ]) {
        // A label may be a little smaller if it would not fit otherwise.
        const share = selector === '.words .label' ? 0.027 : 0.03;
        const sizes = await page
          .locator(selector)
          // The diagram may have removed an element in the meantime.
          .evaluateAll((all) =>
            all
              .filter(({ isConnected }) => isConnected)
              .map((each) => Number.parseFloat(getComputedStyle(each).fontSize)),
          );
        assert.ok(sizes.length > 0 && Math.min(...sizes) >= share * viewport.height, `${selector}: ${sizes}`);
      }
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), 0);
      await lab.expectNoErrors();
      await lab.close();
    }
  },
);

check('a page without parameters has two lanes', async ({ server, open }) => {
  const lab = await open('?room=tea&view=side-by-side');
  await lab.page.goto(server.page('?room=tea'));
  await lab.waitForBothLanes();
  assert.equal(await lab.lanes(2).isChecked(), true);
  for (const lane of ['Polling', 'SSE'])
    await lab.lane(lane).region.getByRole('group', { name: 'At a glance' }).waitFor();
});

check('the large numbers equal the table, and their bars have a common scale', async ({ server, open }) => {
  const lab = await open(BOTH);
  await lab.waitForBothLanes();
  await lab.lane('Polling').setInterval(0.25);
  await server.publish({ text: 'one' });
  await until(
    'there are some requests',
    async () => (await lab.lane('Polling').figures()).Polling.Requests > 6,
  );
  await lab.lane('Polling').setInterval(30);
  const read = () =>
    lab.page.evaluate(() =>
      [...document.querySelectorAll('.lane')].map((lane) => {
        const number = (text) => Number.parseFloat(text.replaceAll(',', ''));
        const cells = ['requests', 'wire_bytes'].map((measure) => {
          const cell = lane.querySelector(`.glance [data-measure=${measure}]`);
          return {
            figure: number(cell.querySelector('.glance-figure').textContent),
            table: number(lane.querySelector(`td[data-row=${measure}]`).textContent),
            width: cell.querySelector('.glance-bar').style.getPropertyValue('--of-scale'),
          };
        });
        return cells;
      }),
    );
  await until('the numbers stop changing', async () =>
    (await read()).flat().every(({ figure, table }) => figure === table),
  );
  const [polling, sse] = await read();
  polling.forEach(({ figure, width }, at) => {
    assert.equal(width, '100.00%');
    assert.equal(sse[at].width, `${((100 * sse[at].figure) / figure).toFixed(2)}%`);
  });
});
