// Streams that die without an error, and pages that sleep.

import assert from 'node:assert/strict';
import { expectAllSeen, publishNumbered, watchLog } from './support/audit.mjs';
import { LabPage, launch } from './support/browser.mjs';
import { MuteProxy } from './support/mute-proxy.mjs';
import { suite } from './support/suite.mjs';
import { until } from './support/wait.mjs';

const check = suite();

const polls = async (server, client) => (await server.ledger(client)).transports.poll.requests;
const opened = async (server, client) => (await server.ledger(client)).transports.stream.requests;

check('a mute stream is replaced by polls until it delivers an event', async ({ server, open }) => {
  const proxy = await MuteProxy.to(new URL(server.origin).port);
  try {
    const lab = await open('?mute=1', { origin: proxy.origin });
    await lab.setInterval(0.25);
    await lab.use('SSE');
    const shown = await watchLog(lab.log);
    const notice = lab.page.locator('.network-notice');
    const source = publishNumbered(server, { every_ms: 20 });
    await source.more(5);

    proxy.goMute();
    await until('the page says that the stream is mute', async () =>
      /not even a keep-alive/.test(await notice.textContent()),
    );
    assert.match(await lab.statusText(), /^Polling in place of a mute stream/);
    const mark = source.published.length;
    await until('the polls deliver new messages', async () => (await shown()).length > mark);
    await until('the stream was tried again, twice', () => proxy.muted >= 2);

    proxy.recover();
    await lab.waitForConnection('SSE');
    const client = await lab.client();
    const before = await polls(server, client);
    await source.more(20);
    assert.equal(await polls(server, client), before, 'polling has stopped');
    assert.ok(await notice.isHidden());
    await expectAllSeen('the page', shown, await source.stop());
  } finally {
    await proxy.end();
  }
});

check('a quiet stream is not taken for a mute one', async ({ server, open }) => {
  const lab = await open('?mute=1');
  await lab.use('SSE');
  const client = await lab.client();
  const bytes = async () => (await server.ledger(client)).transports.stream.wire_bytes_out;
  const before = await bytes();
  // The stall time-out is three keep-alives long, so 25 of them exceed it.
  await until('keep-alives have come', async () => (await bytes()) > before + 25 * 8);
  assert.equal(await opened(server, client), 1);
  assert.match(await lab.statusText(), /^Streaming over SSE/);
});

check('after a sleep the page polls once, then opens the stream again', async ({ server, open }) => {
  const lab = await open();
  await lab.use('SSE');
  const client = await lab.client();
  const before = { polls: await polls(server, client), streams: await opened(server, client) };
  // As if timers had stood still for a long time.
  await lab.page.evaluate(() => {
    const now = Date.now;
    Date.now = () => now() + 600_000;
    document.dispatchEvent(new Event('visibilitychange'));
  });
  await until('the stream is open again', async () => (await opened(server, client)) === before.streams + 1);
  assert.equal(await polls(server, client), before.polls + 1);
  await lab.waitForConnection('SSE');
  await server.publish({ text: 'good morning' });
  await lab.expectTexts(['good morning']);
});

check('a page restored by the Back button continues at its cursor', async ({ server }) => {
  const browser = await launch({ whole: true, ignoreDefaultArgs: ['--disable-back-forward-cache'] });
  try {
    const lab = await LabPage.open(browser, server.page('?view=one'));
    await lab.use('SSE');
    await server.publish({ text: 'before' });
    await lab.expectTexts(['before']);
    const client = await lab.client();
    await lab.page.goto(`${server.origin}/healthz`);
    await until('nothing is open', async () => (await server.ledger(client)).transports.stream.open === 0);
    await server.publish({ text: 'while it was away' });
    await lab.page.goBack({ waitUntil: 'commit' });
    await lab.expectTexts(['before', 'while it was away']);
    assert.equal(await lab.client(), client, 'the page was restored, not loaded');
    await lab.waitForConnection('SSE');
    await server.publish({ text: 'after' });
    await lab.expectTexts(['before', 'while it was away', 'after']);
  } finally {
    await browser.close();
  }
});

check('a page in the back/forward cache has no connection, and misses nothing', async ({ server, open }) => {
  const lab = await open();
  await lab.use('SSE');
  await server.publish({ text: 'before' });
  await lab.expectTexts(['before']);
  const shown = await watchLog(lab.log);
  const client = await lab.client();
  // The browser's events for a page that enters the back/forward cache, and that is restored from it.
  await lab.page.evaluate(() => dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true })));
  await until('nothing is open', async () => (await server.ledger(client)).transports.stream.open === 0);
  await server.publish({ text: 'while it was away' });
  await lab.page.evaluate(() => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })));
  await expectAllSeen('the page', shown, ['while it was away']);
  await lab.waitForConnection('SSE');
  await server.publish({ text: 'after' });
  await expectAllSeen('the page', shown, ['while it was away', 'after']);
});

check('after a refusal the stream is requested again with the cursor', async ({ server, open }) => {
  const lab = await open();
  let refused = 0;
  await lab.use('Polling');
  await server.publish({ text: 'before' });
  await lab.expectTexts(['before']);
  const shown = await watchLog(lab.log);
  await lab.page.route('**/stream?*', (route) => {
    refused += 1;
    return refused < 3 ? route.fulfill({ status: 503, body: 'away' }) : route.fallback();
  });
  await lab.transport('SSE').check();
  await until('the stream was refused twice', () => refused >= 2);
  await server.publish({ text: 'while refused' });
  await lab.waitForConnection('SSE');
  await expectAllSeen('the page', shown, ['while refused']);
});

check('a lane pays for the polls that replace its mute stream', async ({ server, open }) => {
  const lab = await open('?view=side-by-side&mute=1');
  await lab.waitForBothLanes();
  const { region } = lab.lane('SSE');
  await region.getByRole('combobox', { name: 'Network', exact: true }).selectOption('Buffering proxy');
  const texts = Array.from({ length: 20 }, (_, index) => `number ${index}`);
  for (const text of texts) await server.publish({ text });
  await lab.lane('SSE').expectTexts(texts);
  await region.getByText(/^SSE, with polling standing in/).waitFor();
  // Only the first stream; later ones delivered nothing.
  assert.equal(await region.locator('.events [data-look=head]').count(), 1);
  await until('the verdict says so', async () =>
    /SSE with polling standing in made/.test(await lab.page.locator('.verdict').textContent()),
  );
  // Without a fault the stream is quiet, and the figures stop changing.
  await region.getByRole('combobox', { name: 'Network', exact: true }).selectOption('Healthy');
  const client = await lab.lane('SSE').client();
  await until("the column is the sum of the ledger's figures", async () => {
    const { SSE } = await lab.lane('SSE').figures();
    const { poll, stream } = (await server.ledger(client)).transports;
    const sum = (of) => of(poll) + of(stream);
    return (
      SSE.Messages >= texts.length &&
      SSE.Messages === sum(({ messages }) => messages) &&
      SSE.Requests === sum(({ requests }) => requests) &&
      SSE['Empty answers'] === sum(({ empty }) => empty) &&
      SSE['Wire bytes'] === sum(({ wire_bytes_in, wire_bytes_out }) => wire_bytes_in + wire_bytes_out)
    );
  });
});
