// Checks two lanes' figures against the ledger, and the verdict against the figures.

import assert from 'node:assert/strict';
import { publishSteadily } from './support/steady.mjs';
import { suite } from './support/suite.mjs';
import { until } from './support/wait.mjs';

const check = suite();
const BOTH = '?view=side-by-side';
const NAMES = { Polling: 'poll', 'Long-polling': 'long-poll', SSE: 'stream' };

/** Reads both tables and the verdict at the same moment. */
function read(lab) {
  return lab.page.evaluate(() => {
    const number = (text) => Number.parseFloat(text.replaceAll(',', ''));
    const sides = [...document.querySelectorAll('.lane')].map((lane) => ({
      transport: lane.getAttribute('aria-label'),
      client: lane.querySelector('.source code').textContent,
      columns: lane.querySelectorAll('thead th').length,
      ...Object.fromEntries(
        [...lane.querySelectorAll('tbody tr')].map((row) => [
          row.querySelector('th').textContent,
          number(row.querySelector('td').textContent),
        ]),
      ),
    }));
    return { sides, sentence: document.querySelector('.verdict').textContent };
  });
}

/** Checks the verdict's claims against the figures of the two tables. */
function expectVerdictAgrees({ sides, sentence }, areAllSeen = true) {
  const number = (text) => Number(text.replaceAll(',', ''));
  const [more, fewer] = sides.toSorted((a, b) => b.Requests - a.Requests);
  const [, asked] = /^(?:\S+|\S+ and \S+) made ([\d,]+) requests?/.exec(sentence) ?? [];
  assert.equal(number(asked), more.Requests, sentence);
  const isEqual = more.Requests === fewer.Requests && more.Messages === fewer.Messages;
  if (isEqual) assert.match(sentence, / made [\d,]+ requests? each\b/);
  else assert.match(sentence, new RegExp(`${fewer.transport} made ${fewer.Requests}\\b`));
  assert.ok(sentence.startsWith(isEqual ? sides[0].transport : more.transport), sentence);
  // The server's counts may be a second older than the messages seen; before the first count there is no cost.
  if (!sides.every(({ Messages }) => Messages > 0)) {
    assert.match(sentence, / has delivered nothing yet\b|no message has been delivered yet/);
    return assert.doesNotMatch(sentence, /each message/);
  }
  const [, dearest, cost, arrival] = /With (.+?), each message cost (.+?) bytes(.*)\.$/.exec(sentence);
  const dearer = sides.find(({ transport }) => transport === dearest);
  const cheaper = sides.find((side) => side !== dearer);
  const ratio = dearer['Wire bytes'] / dearer.Messages / (cheaper['Wire bytes'] / cheaper.Messages);
  assert.ok(ratio >= 1, sentence);
  const [, percent] = /^([\d,]+) % more/.exec(cost) ?? [];
  const [, times] = /^([\d,.]+) times as many/.exec(cost) ?? [];
  if (percent !== undefined) assert.ok(Math.abs((ratio - 1) * 100 - number(percent)) <= 0.5, sentence);
  else if (times !== undefined) assert.ok(Math.abs(ratio - number(times)) <= 0.5, sentence);
  else assert.ok(ratio < 1.01, sentence);
  // The verdict includes messages that still wait, which the table does not.
  if (!areAllSeen) return;
  const apart_ms = dearer['Delay (median)'] - cheaper['Delay (median)'];
  if (Number.isNaN(apart_ms)) return;
  const [, by, unit, way] = / arrived ([\d,.]+) (ms|s) (later|sooner)/.exec(arrival) ?? [];
  const larger_ms = Math.max(dearer['Delay (median)'], cheaper['Delay (median)']);
  if (way === undefined)
    assert.ok(apart_ms === 0 || Math.abs(apart_ms) < Math.max(20, larger_ms / 10), sentence);
  else {
    assert.equal(way, apart_ms > 0 ? 'later' : 'sooner', sentence);
    const said_ms = number(by) * (unit === 's' ? 1_000 : 1);
    assert.ok(Math.abs(Math.abs(apart_ms) - said_ms) <= (unit === 's' ? 50 : 0), sentence);
  }
}

function asTable(ledger, transport) {
  const { requests, empty, messages, connections, wire_bytes_in, wire_bytes_out } =
    ledger.transports[NAMES[transport]];
  const wire_bytes = wire_bytes_in + wire_bytes_out;
  return {
    Requests: requests,
    'Empty answers': empty,
    Messages: messages,
    Connections: connections,
    'Wire bytes': wire_bytes,
    'Bytes per message': Math.round(wire_bytes / messages),
  };
}

check('the tables equal the ledger, and the verdict agrees with the tables', async ({ server, open }) => {
  const lab = await open(BOTH, { name: 'mina' });
  await lab.waitForBothLanes();
  const { sentence } = await read(lab);
  assert.equal(
    sentence,
    'One chat, read twice: Polling asks every 2 s for anything new; SSE asks once and is told.',
  );
  await lab.lane('Polling').setInterval(0.25);
  await lab.send('one');
  await lab.lane('SSE').expectTexts(['one']);
  const texts = ['one', 'two', 'three', 'four', 'five'];
  for (const text of texts.slice(1)) {
    assert.match((await read(lab)).sentence, /^(One chat|Counting…)/);
    await server.publish({ text });
  }
  for (const lane of ['Polling', 'SSE']) await lab.lane(lane).expectTexts(texts);
  await until('both have counted them', async () => {
    const { sides, sentence } = await read(lab);
    return sides.every(({ Messages }) => Messages === 5) && sentence.startsWith('Polling made');
  });
  expectVerdictAgrees(await read(lab));

  // With a long interval, the figures of both lanes and of the ledger stop changing.
  await lab.lane('Polling').setInterval(30);
  await until('the tables equal the ledger', async () => {
    const { sides } = await read(lab);
    const ledgers = await Promise.all(sides.map(({ client }) => server.ledger(client)));
    return sides.every(({ transport, ...shown }, at) =>
      Object.entries(asTable(ledgers[at], transport)).every(([row, figure]) => shown[row] === figure),
    );
  });
  const last = await read(lab);
  expectVerdictAgrees(last);
  assert.deepEqual(
    last.sides.map(({ columns }) => columns),
    [1, 1],
  );
  for (const side of last.sides) assert.ok(side['Delay (95 %)'] >= side['Delay (median)']);
  await lab.expectNoErrors();
});

check(
  'the verdict agrees with the tables while messages arrive, and if polling is cheaper',
  async ({ server, open }) => {
    const lab = await open(BOTH);
    await lab.waitForBothLanes();
    await lab.lane('Polling').setInterval(5);
    const batch = Array.from({ length: 120 }, (_, index) => `number ${index}`);
    const said = Promise.all(batch.map((text) => server.publish({ text })));
    let looks = 0;
    await until('polling has delivered them too', async () => {
      const now = await read(lab);
      if (/ made /.test(now.sentence)) {
        expectVerdictAgrees(now, false);
        looks += 1;
      }
      return now.sides.every(({ Messages }) => Messages === batch.length);
    });
    await said;
    await until('the verdict covers all of them', async () => {
      const now = await read(lab);
      if (/ made /.test(now.sentence)) looks += 1;
      return looks > 0;
    });
    expectVerdictAgrees(await read(lab));
  },
);

check('starting over counts both lanes from zero, as new clients', async ({ server, open }) => {
  const lab = await open(BOTH);
  await lab.waitForBothLanes();
  await server.publish({ text: 'before' });
  for (const lane of ['Polling', 'SSE']) await lab.lane(lane).expectTexts(['before']);
  const before = (await read(lab)).sides.map(({ client }) => client);
  await lab.page.getByRole('button', { name: 'Start over' }).click();
  const after = (await read(lab)).sides.map(({ client }) => client);
  assert.equal(new Set([...before, ...after]).size, 4);
  await until('their first requests are counted', async () =>
    (await read(lab)).sides.every(({ Requests, Messages }) => Requests >= 1 && Messages === 0),
  );
  await server.publish({ text: 'after' });
  for (const lane of ['Polling', 'SSE']) await lab.lane(lane).expectTexts(['before', 'after']);
  assert.equal(await lab.page.getByText('not been counted for the same time').isVisible(), false);
  await lab.lane('Polling').transport('Long-polling').check();
  await lab.page.getByText('not been counted for the same time').waitFor();
});

check('the slower lane says how many messages it lacks, until they arrive', async ({ server, open }) => {
  const lab = await open(BOTH);
  await lab.waitForBothLanes();
  await lab.lane('Polling').setInterval(30);
  for (const text of ['one', 'two']) await server.publish({ text });
  await lab.lane('SSE').expectTexts(['one', 'two']);
  const late = lab.lane('Polling').region.getByText('2 messages are not here yet');
  await late.waitFor();
  const [log, note] = await Promise.all([lab.lane('Polling').log.boundingBox(), late.boundingBox()]);
  assert.ok(note.y >= log.y + log.height, 'the note covers no message');
  await lab.lane('Polling').setInterval(0.25);
  await lab.lane('Polling').expectTexts(['one', 'two']);
  await late.waitFor({ state: 'hidden' });
});

check('the slower lane says what it lacks also while many messages arrive', async ({ server, open }) => {
  const lab = await open(BOTH);
  await lab.waitForBothLanes();
  await lab.lane('Polling').setInterval(30);
  const source = publishSteadily(server, 50);
  await lab.lane('Polling').region.getByText('messages are not here yet').waitFor();
  await source.stop();
});

check('lanes do not pay for messages from before they began', async ({ server, open }) => {
  for (let number = 1; number <= 50; number++)
    await server.publish({ text: `old ${number} ${'x'.repeat(80)}` });
  const lab = await open(BOTH);
  await lab.waitForBothLanes();
  for (const lane of ['Polling', 'SSE'])
    await until('the history is shown', async () => (await lab.lane(lane).texts()).length === 50);
  await until('both are counted', async () => (await read(lab)).sides.every(({ Requests }) => Requests >= 1));
  for (const { Messages, 'Wire bytes': bytes, transport } of (await read(lab)).sides) {
    assert.equal(Messages, 0, transport);
    assert.ok(transport === 'Polling' || bytes < 3_000, `${transport}: ${bytes} bytes`);
  }
});

check(
  'a lane that delivers nothing while messages wait is reported, and announced once',
  async ({ server, open }) => {
    const lab = await open(`${BOTH}&mute=60`);
    await lab.waitForBothLanes();
    const stream = lab.lane('SSE').region;
    await stream.getByRole('combobox', { name: 'Network', exact: true }).selectOption('Buffering proxy');
    await lab.lane('Polling').setInterval(0.25);
    const recorded = await lab.page.locator('.comparison > [aria-live]').evaluateHandle((element) => {
      const announcements = [];
      new MutationObserver(() => announcements.push(element.textContent)).observe(element, {
        childList: true,
      });
      return announcements;
    });
    for (let number = 1; number <= 6; number++) await server.publish({ text: `number ${number}` });
    const verdict = lab.page.locator('.verdict');
    await until('the lane is reported', async () =>
      /^SSE has brought nothing for \d+ s; 6 messages wait\.$/.test(await verdict.textContent()),
    );
    const first = await verdict.textContent();
    await until('the number rises', async () => (await verdict.textContent()) !== first);
    const glance = stream.getByRole('group', { name: 'At a glance' });
    assert.match(await glance.textContent(), /6 waiting/);
    const announcements = (await recorded.jsonValue()).filter((sentence) =>
      sentence.startsWith('SSE has brought nothing'),
    );
    assert.equal(announcements.length, 1, announcements.join(' | '));
  },
);
