// Tabs of one browser share one stream, and the few connections that a browser opens to one server.

import assert from 'node:assert/strict';
import { expectAllSeen, publishNumbered, watchLog } from './support/audit.mjs';
import { LabPage } from './support/browser.mjs';
import { inOneLane, suite } from './support/suite.mjs';
import { until } from './support/wait.mjs';

const check = suite();

/** Many moving diagrams at once would be most of the work. */
const CALM = { reducedMotion: 'reduce' };

/** Opens a tab in `context` that reads with `transport`. */
async function tab(context, address, transport) {
  const lab = await LabPage.within(context, address);
  await lab.setInterval(0.25);
  await lab.transport(transport).check();
  return { lab, shown: await watchLog(lab.log), notice: lab.page.locator('.network-notice') };
}

async function tabs(context, server, count, transport, query = () => '') {
  // Opens the first tab alone, so that it becomes the leader.
  const first = await tab(context, server.page(inOneLane(query(0))), transport);
  if (transport === 'SSE') await first.lab.waitForConnection('SSE');
  const rest = Array.from({ length: count - 1 }, (_, i) =>
    tab(context, server.page(inOneLane(query(i + 1))), transport),
  );
  return [first, ...(await Promise.all(rest))];
}

const waitForSentence = ({ notice }, words) =>
  until(`a tab says “${words}”`, async () => (await notice.textContent()).includes(words));

async function streams(server) {
  const response = await fetch(`${server.origin}/ledger`, { signal: AbortSignal.timeout(10_000) });
  return (await response.json()).transports.stream;
}

/** The clients in the room that read by a stream, their own or a shared one. */
async function streamedTo(server) {
  const response = await fetch(`${server.origin}/presence`, { signal: AbortSignal.timeout(10_000) });
  return (await response.json()).present.filter(({ transport }) => transport === 'stream');
}

check('seven tabs see every message over one stream, and name its client', async ({ server, open }) => {
  const { context } = await open('', CALM);
  const seven = await tabs(context, server, 7, 'SSE');
  const [leader, ...followers] = seven;
  const client = await leader.lab.client();
  for (const follower of followers) {
    await waitForSentence(
      follower,
      `This tab shares the stream of another tab. The bill is on client ${client}`,
    );
  }
  await waitForSentence(leader, '6 other tabs read along');
  await until('all seven are in the room as readers of the stream', async () => {
    const streamed = await streamedTo(server);
    return streamed.length === 7 && streamed.filter(({ through }) => through === client).length === 6;
  });
  assert.deepEqual(await streams(server).then(({ requests, open }) => ({ requests, open })), {
    requests: 1,
    open: 1,
  });

  const source = publishNumbered(server, { every_ms: 5 });
  await source.more(50);
  const published = await source.stop();
  for (const [index, { shown }] of seven.entries()) await expectAllSeen(`tab ${index + 1}`, shown, published);
  const { requests, messages } = await streams(server);
  assert.deepEqual({ requests, messages }, { requests: 1, messages: published.length });
});

check('another tab takes over when the leader closes in mid-traffic', async ({ server, open }) => {
  const { context } = await open('', CALM);
  const all = await tabs(context, server, 4, 'SSE');
  await waitForSentence(all[0], '3 other tabs read along');
  const source = publishNumbered(server, { every_ms: 5 });
  await source.more(20);
  await all[0].lab.page.close();
  await source.more(40);
  // The new leader switches to a transport that shares nothing.
  await all[1].lab.transport('Polling').check();
  await source.more(40);
  await all[2].lab.page.close({ runBeforeUnload: false });
  await source.more(20);
  const published = await source.stop();
  await expectAllSeen('the second tab', all[1].shown, published);
  await expectAllSeen('the fourth tab', all[3].shown, published);
  await until('one stream is open', async () => (await streams(server)).open === 1);
  await until('presence is up to date', async () => (await streamedTo(server)).length === 1);
});

check('another tab takes over when the leader crashes', async ({ server, open }) => {
  const { context } = await open('', CALM);
  const [leader, next] = await tabs(context, server, 2, 'SSE');
  await waitForSentence(next, 'This tab shares the stream');
  const session = await context.newCDPSession(leader.lab.page);
  const crashed = leader.lab.page.waitForEvent('crash');
  session.send('Page.crash').catch(() => {});
  await crashed;
  await server.publish({ text: 'after the crash' });
  await expectAllSeen('the next tab', next.shown, ['after the crash']);
});

check(
  'a tab with a fault leaves the shared stream, and returns to it afterwards',
  async ({ server, open }) => {
    const { context } = await open('', CALM);
    const [leader, follower] = await tabs(context, server, 2, 'SSE');
    await waitForSentence(follower, 'This tab shares the stream');
    const source = publishNumbered(server, { every_ms: 20 });
    const network = leader.lab.page.getByRole('combobox', { name: 'Network', exact: true });
    await network.selectOption({ label: 'Offline for 5 s' });
    await until('the other tab has its own stream', async () => follower.notice.isHidden());
    await until('the network is back', async () => (await network.inputValue()) === 'healthy');
    await waitForSentence(leader, `The bill is on client ${await follower.lab.client()}`);
    // A restart closes the connection of the shared stream.
    await network.selectOption({ label: 'Server restart' });
    const client = await follower.lab.client();
    await until('the stream was opened again', async () => {
      const { stream } = (await server.ledger(client)).transports;
      return stream.requests === 2 && stream.open === 1;
    });
    await source.more(5);
    const published = await source.stop();
    for (const { shown } of [leader, follower]) await expectAllSeen('a tab', shown, published);
  },
);

for (const transport of ['SSE', 'Long-polling']) {
  check(`a seventh ${transport} tab polls instead of hanging, and says why`, async ({ server, open }) => {
    const { context } = await open('', CALM);
    const room = (i) => `?room=${transport === 'SSE' ? `room-${i}` : 'one'}`;
    const seven = await tabs(context, server, 7, transport, room);
    const isCrowded = async ({ notice }) =>
      (await notice.isVisible()) && /opens six connections to one server/.test(await notice.textContent());
    const crowded = await until('three tabs say why', async () => {
      const explained = await Promise.all(seven.map(isCrowded));
      return explained.filter(Boolean).length === 3 && seven.filter((_, index) => explained[index]);
    });
    for (let i = 0; i < (transport === 'SSE' ? 7 : 1); i++) {
      await server.publish({ room: room(i).slice('?room='.length), text: 'hello' });
    }
    for (const [index, { shown }] of seven.entries())
      await expectAllSeen(`tab ${index + 1}`, shown, ['hello']);
    // Publishing works from such a tab too.
    await crowded[2].lab.name.fill('mina');
    await crowded[2].lab.send('from the seventh');
    await expectAllSeen('the seventh tab', crowded[2].shown, ['hello', 'from the seventh']);
    await seven.find((each) => !crowded.includes(each)).lab.page.close();
    await until('one of them uses its transport again', async () => {
      const hidden = await Promise.all(crowded.map(({ notice }) => notice.isHidden()));
      return hidden.filter(Boolean).length === 1;
    });
  });
}

check('without Web Locks each tab has its own stream', async ({ server, open }) => {
  const { context } = await open('', CALM);
  await context.addInitScript(() => {
    Object.defineProperty(Navigator.prototype, 'locks', { value: undefined });
  });
  const two = await tabs(context, server, 2, 'SSE');
  for (const { lab } of two) await lab.waitForConnection('SSE');
  await server.publish({ text: 'hello' });
  for (const { shown, notice } of two) {
    await expectAllSeen('a tab', shown, ['hello']);
    assert.ok(await notice.isHidden());
  }
  assert.equal((await streams(server)).open, 2);
});

check('the two lanes of one page do not share a stream', async ({ server, open }) => {
  const lab = await open('?view=side-by-side');
  const lanes = lab.page.locator('.lane');
  for (const index of [0, 1]) {
    await lanes.nth(index).getByRole('radio', { name: 'SSE', exact: true }).check();
  }
  await until('both lanes have their own stream', async () => (await streams(server)).open === 2);
});

check('a lane that shares another tab’s stream names the client that pays', async ({ server, open }) => {
  const first = await open('?view=side-by-side', CALM);
  await first.waitForBothLanes();
  const client = await first.lane('SSE').client();
  const second = await LabPage.within(first.context, server.page('?view=side-by-side'));
  const sentence = second.page.locator('.verdict');
  await until('the verdict names the client', async () =>
    (await sentence.textContent()).startsWith('SSE reads along with another tab here'),
  );
  assert.equal(await sentence.getByRole('link').textContent(), client);
  assert.equal(await sentence.getByRole('link').getAttribute('href'), `ledger?client=${client}`);
  const note = second.lane('SSE').region.getByText('This lane reads along');
  assert.equal(await note.getByRole('link').textContent(), client);
  await first.page.close();
  await until('the lane has its own stream', async () => (await streams(server)).open === 1);
  for (let number = 1; number <= 5; number++) await server.publish({ text: `number ${number}` });
  await until('it pays for itself, but not for the whole time', async () =>
    /SSE( with polling standing in)? made/.test(await sentence.textContent()),
  );
  assert.ok(await second.page.getByText('not been counted for the same time').isVisible());
});
