// The sequence diagram agrees with the server's request log, and is accessible.

import assert from 'node:assert/strict';
import AxeBuilder from '@axe-core/playwright';
import { Diagram } from './support/diagram.mjs';
import { publishSteadily } from './support/steady.mjs';
import { suite } from './support/suite.mjs';
import { until } from './support/wait.mjs';

const check = suite();

const ANSWERS = ['Answer', 'Empty answer'];

/** Converts a line of the request log to the list's form. */
const asAnswer = ({ messages, wire_bytes_out }) => ({
  messages: Number(messages),
  bytes: Number(wire_bytes_out),
});

for (const [name, transport] of [
  ['Polling', 'poll'],
  ['Long-polling', 'long-poll'],
]) {
  check(`${name}: requests and answers equal those of the request log`, async ({ server, open }) => {
    const lab = await open();
    const diagram = new Diagram(lab.page);
    // A window that is long enough for all events.
    await lab.window.selectOption('2 min');
    await lab.setInterval(0.25);
    await lab.use(name);
    for (const text of ['one', 'two', 'three']) {
      await server.publish({ text });
      await lab.log.getByText(text, { exact: true }).waitFor();
    }
    // After a change of transport, the first one has no further events.
    await lab.use('SSE');
    const lines = () =>
      server.requestLog(client).filter((line) => line.transport === transport && line.status === '200');
    const client = await lab.client();
    const events = async (...wanted) => (await diagram.events()).filter(({ what }) => wanted.includes(what));
    const answers = async () =>
      (await events(...ANSWERS)).map(({ messages, bytes }) => ({ messages, bytes }));
    await until(
      'the list has all events of the request log',
      async () => (await answers()).length >= lines().length && (await events('Stream begins')).length === 1,
    );
    const shown = await answers();
    // Polling may have begun before long-polling was chosen.
    assert.deepEqual(shown.slice(-lines().length), lines().map(asAnswer));
    assert.ok(lines().length >= 3);
    const pushed = shown.reduce((sum, { messages }) => sum + messages, 0);
    assert.equal(pushed, 3);

    const requests = await events('Request');
    assert.equal(
      requests.reduce((sum, { bytes }) => sum + bytes, 0),
      server
        .requestLog(client)
        .reduce((sum, { event, wire_bytes_in }) => sum + (event === 'closed' ? 0 : Number(wire_bytes_in)), 0),
    );
    for (const what of [...ANSWERS, 'Request'])
      assert.equal(await diagram.countDrawn(what), (await events(what)).length, what);
    await lab.expectNoErrors();
  });
}

check('SSE: one request, separate pushes, and a reconnection after a restart', async ({ server, open }) => {
  const lab = await open();
  const diagram = new Diagram(lab.page);
  await lab.use('SSE');
  for (const text of ['one', 'two']) {
    await server.publish({ text });
    await lab.log.getByText(text, { exact: true }).waitFor();
  }
  const listed = async (what) => (await diagram.events()).filter((event) => event.what === what);
  await until('both are listed', async () => (await listed('Pushed')).length === 2);
  const before = server.requestLog(await lab.client()).filter(({ transport }) => transport === 'stream');
  assert.deepEqual(
    before.map(({ event }) => event),
    ['opened'],
  );
  assert.equal((await listed('Stream begins')).length, 1);
  assert.equal((await listed('Presence')).length, 0, 'the list is closed, so nothing is sent for it');
  assert.equal(await diagram.countDrawn('Pushed'), 2);

  await server.down();
  await until('the page says so', async () => /^Reconnecting/.test(await lab.statusText()));
  await server.up();
  await lab.waitForConnection('SSE');
  await until('the reconnection is listed', async () => (await listed('Reconnected by itself')).length === 1);
  assert.equal(await diagram.countDrawn('Reconnected by itself'), 1);
  await until('the new trace is drawn', async () => (await diagram.countDrawn('Trace began again')) === 1);
});

check(
  'new connections for each poll are drawn as the server opened and closed them',
  async ({ server, open }) => {
    const lab = await open();
    const diagram = new Diagram(lab.page);
    await lab.setInterval(0.25);
    await diagram.newConnection.check();
    const listed = async (what) => (await diagram.events()).filter((event) => event.what === what);
    await until('some were closed', async () => (await listed('Connection closed')).length >= 4);
    const client = await lab.client();

    await diagram.newConnection.uncheck();
    const asked = (await listed('Request')).length;
    await until('there are more requests', async () => (await listed('Request')).length >= asked + 6);
    await lab.pause();
    const events = await diagram.events();
    const closed = events.filter(({ what }) => what === 'Connection closed');
    for (const { connection } of closed) {
      const kinds = events.filter((event) => event.connection === connection).map(({ what }) => what);
      assert.equal(kinds.at(-1), 'Connection closed');
      assert.equal(kinds.filter((kind) => kind === 'Connection opened').length, 1);
    }
    // Connections with a single poll.
    const single = closed.filter(
      ({ connection }) =>
        events.filter((event) => event.connection === connection && event.what === 'Request').length === 1,
    );
    assert.ok(single.length >= 3);
    // Then connections are kept again: few of them, as the page also makes other requests.
    const last = events.filter(({ what }) => what === 'Request').slice(-6);
    const kept = new Set(last.map(({ connection }) => connection));
    assert.ok(kept.size <= 3, `${kept.size} connections for ${last.length} polls`);
    const opened = new Set(events.map(({ connection }) => connection)).size;
    const { transports } = await server.ledger(client);
    assert.ok(transports.poll.connections >= opened - 1, `${transports.poll.connections} of ${opened}`);
    await lab.expectNoErrors();
  },
);

check('an arrow that is hovered or focused shows its bytes and time', async ({ server, open }) => {
  const lab = await open();
  const { page } = lab;
  const diagram = new Diagram(page);
  await lab.use('SSE');
  // Waits until the new arrow is clear of the first ones, as a pointer could hit either of two crossing arrows.
  await until('the stream is drawn', async () => (await diagram.countDrawn('Stream begins')) === 1);
  const place = () => diagram.picture.evaluate((tape) => tape.getBoundingClientRect().top + scrollY);
  const start = await place();
  await until('time has passed', async () => start - (await place()) > 20);
  await server.publish({ text: 'one' });
  await until('it is drawn', async () => (await diagram.countDrawn('Pushed')) === 1);
  await diagram.region.scrollIntoViewIfNeeded();
  await lab.pause();
  const pushed = diagram.picture.getByRole('img', { name: /^Pushed:/ });
  const says = await pushed.getAttribute('aria-label');
  assert.match(says, /^Pushed: 1 message, \d+ bytes, after .+, connection \d+, \d\d:\d\d:\d\d\.\d{3}$/);

  // Labels are above all arrows, and the legend uses the drawn styles.
  const words = await diagram.picture.evaluate((tape) => ({
    last: tape.lastElementChild.querySelectorAll('.label').length,
    all: tape.querySelectorAll('.label').length,
  }));
  assert.ok(words.all > 0 && words.last === words.all, JSON.stringify(words));
  const drawnAs = (look) =>
    diagram.region
      .locator(`.key .arrow[data-look=${look}] .shaft`)
      .evaluate((shaft) => getComputedStyle(shaft).strokeDasharray);
  await diagram.region.getByText('Key', { exact: true }).click();
  assert.notEqual(await drawnAs('messages'), await drawnAs('push'));

  const tip = diagram.region.locator('.tip');
  await pushed.focus();
  await until('the tooltip shows it', async () => (await tip.textContent()) === says);
  await page.keyboard.press('Home');
  const first = await page.evaluate(() => document.activeElement.getAttribute('aria-label'));
  assert.notEqual(first, says);
  assert.equal(await tip.textContent(), first);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('End');
  assert.ok(await page.evaluate(() => document.activeElement.matches('[role=img]')));
  // When the diagram is redrawn, the arrow is a new element; it keeps the focus and its tooltip.
  await pushed.focus();
  await page.setViewportSize({ width: 1180, height: 800 });
  await until('it is redrawn', async () => (await diagram.picture.boundingBox()).width < 800);
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), says);
  assert.equal(await tip.textContent(), says);
  await page.evaluate(() => document.activeElement.blur());
  assert.equal(await tip.isVisible(), false);

  // The layout has changed, so focus it again to scroll to it.
  await pushed.focus();
  await page.evaluate(() => document.activeElement.blur());
  const head = await pushed.locator('.head').boundingBox();
  const [x, y] = [head.x + 60, head.y + head.height / 2];
  const under = ([x, y]) => document.elementFromPoint(x, y).closest('.tape-frame') !== null;
  assert.ok(await page.evaluate(under, [x, y]), 'nothing covers the focused arrow');
  await page.mouse.move(x, y);
  await until('the tooltip is shown for the pointer', async () => (await tip.textContent()) === says);
  await page.mouse.move(1, 1);
  await until('the tooltip is gone', async () => !(await tip.isVisible()));
  await lab.expectNoErrors();
});

check('the list can be shown, and the window changed', async ({ open }) => {
  const lab = await open();
  const diagram = new Diagram(lab.page);
  await lab.setInterval(0.25);
  await until('some events are listed', async () => (await diagram.events()).length >= 4);
  const size = async () => (await diagram.list.boundingBox()).height;
  await diagram.button('Show as list').click();
  await until('the list is visible', async () => (await size()) > 40);
  await diagram.button('Hide list').click();

  await lab.pause();
  const drawn = await diagram.countDrawn('Request');
  for (const window of ['1 min', '2 min', '30 s']) {
    await lab.window.selectOption(window);
    assert.equal(await diagram.countDrawn('Request'), drawn, window);
  }
  await lab.expectNoErrors();
});

check('each of two lanes has a diagram of its own client', async ({ server, open }) => {
  const lab = await open('?view=side-by-side');
  await lab.waitForBothLanes();
  const [left, right] = ['Polling', 'SSE'].map((name) => new Diagram(lab.lane(name).region));
  await server.publish({ text: 'heard by both' });
  const messages = async (diagram) =>
    (await diagram.events()).reduce((sum, { messages }) => sum + messages, 0);
  await until('both list it', async () => (await messages(left)) === 1 && (await messages(right)) === 1);
  assert.equal((await right.events()).filter(({ what }) => what === 'Request').length, 1);
  for (const diagram of [left, right])
    await until(
      'both mark the time of the publish',
      async () => (await diagram.countDrawn('Published')) === 1,
    );
  await lab.expectNoErrors();
});

for (const [size, options] of Object.entries({
  wide: { viewport: { width: 1440, height: 900 }, colorScheme: 'light' },
  phone: { viewport: { width: 360, height: 640 }, colorScheme: 'dark' },
})) {
  check(
    `axe-core finds no violation in the diagrams and plots (${size}, ${options.colorScheme})`,
    async ({ server, open }) => {
      const lab = await open('?view=side-by-side&lang=en', options);
      await lab.waitForBothLanes();
      const [left, right] = ['Polling', 'SSE'].map((name) => new Diagram(lab.lane(name).region));
      await server.publish({ text: 'heard by both' });
      await until('it is drawn', async () => (await right.countDrawn('Pushed')) === 1);
      await left.button('Show as list').click();
      await right.region.getByText('Key', { exact: true }).click();
      await lab.pause();
      await lab.page.getByRole('region', { name: 'Over time' }).scrollIntoViewIfNeeded();
      await lab.page.getByRole('region', { name: 'Over time' }).locator('canvas').last().waitFor();
      const { violations } = await new AxeBuilder({ page: lab.page })
        .include('.diagram')
        .include('#plots')
        .analyze();
      assert.deepEqual(
        violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`),
        [],
      );
      assert.equal(await lab.page.evaluate(() => document.documentElement.scrollWidth - innerWidth), 0);
      await lab.expectNoErrors();
    },
  );
}

check('the diagram and the plots are translated to Korean', async ({ open }) => {
  const lab = await open('?lang=ko');
  const diagram = lab.page.getByRole('group', { name: '시퀀스 다이어그램', exact: true });
  await diagram.getByRole('switch', { name: '폴링마다 새 연결' }).check();
  const list = diagram.getByRole('list', { name: '이벤트' });
  await list
    .getByText(/ 요청: [\d,]+바이트, .*연결 \d+번$/)
    .first()
    .waitFor({ state: 'attached' });
  await lab.page.getByRole('region', { name: '시간에 따른 변화' }).getByText('초당 요청 수').waitFor();
});

check(
  'an empty poll is a request and an answer “no”, and a message’s wait is a bar with its time',
  async ({ server, open }) => {
    const lab = await open('?view=side-by-side', { viewport: { width: 1280, height: 720 }, settings: false });
    await lab.waitForBothLanes();
    const [left, right] = ['Polling', 'SSE'].map((name) => new Diagram(lab.lane(name).region));
    const said = (diagram) => diagram.picture.locator('.words .label').allTextContents();
    await until('there is an empty poll', async () => {
      const words = await said(left);
      return words.includes('anything new?') && words.includes('no');
    });
    const rise = await left.picture
      .getByRole('img', { name: /^Empty answer:/ })
      .last()
      .evaluate((arrow) => arrow.querySelector('.body').getBBox().height);
    assert.ok(
      rise >= 12 && rise <= 24,
      `request and answer are ${rise} px apart, but not as far as a second`,
    );
    // An empty answer is not paler than others.
    const opacity = (look) =>
      left.picture
        .locator(`[data-look=${look}]`)
        .last()
        .evaluate((arrow) => getComputedStyle(arrow).opacity);
    assert.equal(await opacity('empty'), '1');

    await server.publish({ text: 'one' });
    for (const diagram of [left, right])
      await until('the publish is marked', async () => (await diagram.countDrawn('Published')) === 1);
    const wait = (diagram) =>
      diagram.picture.getByRole('img', { name: /^Published:.*seen after/ }).evaluate((arrow) => ({
        height: Number(arrow.querySelector('.wait').getAttribute('height')),
        says: arrow.getAttribute('aria-label'),
      }));
    const [polled, pushed] = [await wait(left), await wait(right)];
    const [, by] = /seen after ([\d.]+ m?s)/.exec(polled.says);
    assert.ok(polled.height >= 0 && pushed.height >= 0, by);
    assert.ok((await left.picture.locator('.wait-label').textContent()).includes(by));
    await lab.expectNoErrors();
  },
);

for (const [view, width, isPresent] of [
  ['side-by-side', 1280, false],
  ['side-by-side', 1280, true],
  ['side-by-side', 1024, false],
  ['side-by-side', 360, false],
  ['three', 360, false],
])
  check(
    `questions and answers are labelled between the lifelines, and labels do not overlap (${view}, ${width} px${isPresent ? ', presenting' : ''})`,
    async ({ server, open }) => {
      const lab = await open(`?view=${view}`, { viewport: { width, height: 720 }, settings: false });
      await lab.waitForBothLanes();
      if (isPresent) await lab.page.keyboard.press('p');
      for (const text of ['one', 'two', 'three']) {
        await server.publish({ text });
        // On a phone the log is hidden.
        await lab.page
          .locator('.lane .text')
          .getByText(text, { exact: true })
          .last()
          .waitFor({ state: 'attached' });
      }
      await until('both draw messages', async () => {
        const drawn = ['Polling', 'SSE'].map((name) => new Diagram(lab.lane(name).region));
        const [answered, pushed] = [drawn[0].countDrawn('Answer'), drawn[1].countDrawn('Pushed')];
        return (await answered) > 0 && (await pushed) > 0;
      });
      await until('each lane has a labelled question', async () =>
        (
          await lab.page
            .locator('.tape-frame')
            .evaluateAll((all) =>
              all.map((each) => each.querySelectorAll('[data-look=request] .label').length),
            )
        ).every((labels) => labels > 0),
      );
      const wrong = await lab.page.locator('.tape-frame').evaluateAll((frames) =>
        frames.flatMap((frame) => {
          const { left } = frame.getBoundingClientRect();
          const [from, to] = ['::before', '::after'].map(
            (line) => left + Number.parseFloat(getComputedStyle(frame, line).left),
          );
          const labels = [...frame.querySelectorAll('.label')].map((label) => {
            const { left, right, top, bottom } = label.getBoundingClientRect();
            return {
              words: label.textContent,
              left,
              right,
              middle: (top + bottom) / 2,
              height: bottom - top,
            };
          });
          return labels.filter(
            (label, at) =>
              label.left < from ||
              label.right > to ||
              labels.slice(0, at).some(({ middle }) => Math.abs(middle - label.middle) < 0.6 * label.height),
          );
        }),
      );
      assert.deepEqual(wrong, []);
      await lab.expectNoErrors();
    },
  );

check('20 pushes per second are drawn as a band, not as one arrow', async ({ server, open }) => {
  const lab = await open('?view=side-by-side', { viewport: { width: 1280, height: 720 }, settings: false });
  await lab.waitForBothLanes();
  const source = publishSteadily(server, 20);
  const diagram = new Diagram(lab.lane('SSE').region);
  await until('a band says how many', async () =>
    (await diagram.picture.locator('.words .label').allTextContents()).some((text) =>
      /^\d+ pushes$/.test(text),
    ),
  );
  const bands = await diagram.picture.locator('.arrow.band').evaluateAll((all) =>
    all.map((band) => ({
      events: Number(band.dataset.count),
      lines: band.querySelector('.shaft').getAttribute('d').split('M').length - 1,
      weight: Number(band.style.getPropertyValue('--weight')),
    })),
  );
  await source.stop();
  assert.ok(
    bands.some(({ lines }) => lines >= 2),
    JSON.stringify(bands),
  );
  for (const { events, lines, weight } of bands) assert.ok(lines <= events && weight === 1);
});
