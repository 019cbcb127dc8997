// Over TLS with HTTP/2: the page says so, heads are light, and tabs need no longer share a stream.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, LabPage } from './support/browser.mjs';
import { Server } from './support/server.mjs';
import { until } from './support/wait.mjs';

let browser;
let server;

before(async () => {
  browser = await launch();
  server = await Server.start('memory', ['--tls', 'self-signed', '--bind-tls', '127.0.0.1:0']);
});

after(async () => {
  await browser?.close();
  await server?.end();
});

const OPTIONS = { ignoreHTTPSErrors: true, reducedMotion: 'reduce' };

test('each lane says which protocol it is on, as the server saw it', async () => {
  for (const [origin, protocol] of [
    [server.origin, 'HTTP/1.1'],
    [server.tlsOrigin, 'HTTP/2 over TLS'],
  ]) {
    const lab = await LabPage.open(browser, `${origin}/?room=a`, OPTIONS);
    await lab.connectedBoth();
    for (const lane of ['Polling', 'SSE'])
      await lab.lane(lane).region.getByText(`over ${protocol}`, { exact: true }).waitFor();
    const client = await lab.lane('Polling').client();
    const { protocols } = (await server.ledger(client)).transports.poll;
    assert.deepEqual(Object.keys(protocols), [origin === server.origin ? 'http/1.1' : 'h2+tls']);
    await lab.noComplaints();
    await lab.close();
  }
});

test('a poll’s heads weigh a fraction over HTTP/2, and its emptiness stays', async () => {
  const weights = [];
  for (const origin of [server.origin, server.tlsOrigin]) {
    const lab = await LabPage.open(browser, `${origin}/?room=b&view=one`, OPTIONS);
    await lab.setInterval(0.25);
    await until('many polls', async () => ((await lab.figures()).Polling?.Requests ?? 0) >= 20);
    const { Polling } = await lab.figures();
    assert.equal(Polling['Empty answers'], Polling.Requests);
    weights.push(Polling['of which heads'] / Polling.Requests);
    await lab.close();
  }
  const [http1, http2] = weights;
  assert.ok(http2 < http1 / 2, `${http1} and ${http2} bytes of heads a poll`);
});

test('over HTTP/2 eight tabs hold a stream each, and polling works beside them', async () => {
  const first = await LabPage.open(browser, `${server.tlsOrigin}/?room=c&transport=stream`, OPTIONS);
  const tabs = [first];
  while (tabs.length < 8)
    tabs.push(await LabPage.within(first.context, `${server.tlsOrigin}/?room=c&transport=stream`));
  for (const tab of tabs) await tab.connected('SSE');
  const clients = await Promise.all(tabs.map((tab) => tab.client()));
  for (const client of clients) assert.equal((await server.ledger(client)).transports.stream.requests, 1);
  await server.publish({ room: 'c', text: 'to all eight' });
  for (const tab of tabs) {
    await tab.reads(['to all eight']);
    assert.equal(await tab.page.locator('.network-notice').isVisible(), false);
  }
  await first.use('Polling');
  await server.publish({ room: 'c', text: 'polled beside seven streams' });
  await first.reads(['to all eight', 'polled beside seven streams']);
  await first.close();
});
