// HTTP/2 over TLS: the page says so, heads are smaller, and tabs do not share a stream.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, LabPage } from './support/browser.mjs';
import { Server } from './support/server.mjs';
import { until } from './support/wait.mjs';

let browser;
let server;

before(async () => {
  browser = await launch();
  server = await Server.start('memory', ['--tls', 'self-signed']);
});

after(async () => {
  await browser?.close();
  await server?.end();
});

const OPTIONS = { ignoreHTTPSErrors: true, reducedMotion: 'reduce' };

test('each lane shows its protocol, as the server reports it', async () => {
  for (const [origin, protocol] of [
    [server.origin, 'HTTP/1.1'],
    // The version of TLS comes with the diagram's events, a moment after the protocol.
    [server.tlsOrigin, 'HTTP/2 over TLS 1.3'],
  ]) {
    const lab = await LabPage.open(browser, `${origin}/?room=a`, OPTIONS);
    await lab.waitForBothLanes();
    for (const lane of ['Polling', 'SSE'])
      await lab.lane(lane).region.getByText(`over ${protocol}`, { exact: true }).waitFor();
    const client = await lab.lane('Polling').client();
    const { protocols } = (await server.ledger(client)).transports.poll;
    assert.deepEqual(Object.keys(protocols), [origin === server.origin ? 'http/1.1' : 'h2+tls']);
    await lab.expectNoErrors();
    await lab.close();
  }
});

test('over HTTP/2 a poll’s heads are much smaller, and polls are as often empty', async () => {
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

test('over HTTP/2 each of eight tabs has its own stream, and polling works too', async () => {
  const first = await LabPage.open(browser, `${server.tlsOrigin}/?room=c&transport=stream`, OPTIONS);
  const tabs = [first];
  while (tabs.length < 8)
    tabs.push(await LabPage.within(first.context, `${server.tlsOrigin}/?room=c&transport=stream`));
  for (const tab of tabs) await tab.waitForConnection('SSE');
  const clients = await Promise.all(tabs.map((tab) => tab.client()));
  for (const client of clients) assert.equal((await server.ledger(client)).transports.stream.requests, 1);
  await server.publish({ room: 'c', text: 'to all eight' });
  for (const tab of tabs) {
    await tab.expectTexts(['to all eight']);
    assert.equal(await tab.page.locator('.network-notice').isVisible(), false);
  }
  await first.use('Polling');
  await server.publish({ room: 'c', text: 'polled beside seven streams' });
  await first.expectTexts(['to all eight', 'polled beside seven streams']);
  await first.close();
});

const picker = (lab, lane) => lab.lane(lane).region.getByRole('combobox', { name: 'Protocol', exact: true });
const VERSIONS = { 'HTTP/1.1': 'http/1.1', 'HTTP/2': 'h2+tls' };
const NAMES = { 'HTTP/1.1': 'over HTTP/1.1', 'HTTP/2': 'over HTTP/2 over TLS 1.3' };

/** Waits until each lane shows its protocol, and checks that the server saw no other one. */
async function expectProtocols(lab, lanes) {
  for (const [at, protocol] of lanes.entries()) {
    const region = lab.page.locator('.lane').nth(at);
    await region.getByText(NAMES[protocol], { exact: true }).waitFor();
    const client = await region.locator('.source code').textContent();
    const { transports } = await server.ledger(client);
    const seen = Object.values(transports).flatMap(({ protocols }) => Object.keys(protocols));
    assert.deepEqual([...new Set(seen)], [VERSIONS[protocol]], `${protocol}: ${client}`);
  }
}

for (const [from, origin] of [
  ['a cleartext page', () => server.origin],
  ['a page over TLS', () => server.tlsOrigin],
]) {
  test(`polling over HTTP/1.1 runs next to polling over HTTP/2, on ${from}`, async () => {
    const room = from.replaceAll(' ', '-');
    const query = `room=${room}&view=both&left=poll&right=poll&interval=0.5`;
    const lab = await LabPage.open(browser, `${origin()}/?${query}`, OPTIONS);
    const [left, right] = ['Polling', 'Polling (right)'];
    const own = origin() === server.origin ? 'HTTP/1.1' : 'HTTP/2';
    for (const lane of [left, right]) {
      await picker(lab, lane).waitFor();
      assert.deepEqual(await picker(lab, lane).locator('option').allTextContents(), ['HTTP/1.1', 'HTTP/2']);
      assert.equal(await picker(lab, lane).inputValue(), own === 'HTTP/1.1' ? 'http/1.1' : 'h2');
    }
    await expectProtocols(lab, [own, own]);
    const before = await lab.lane(left).client();
    if (own === 'HTTP/2') await picker(lab, left).selectOption('HTTP/1.1');
    else await picker(lab, right).selectOption('HTTP/2');
    assert.notEqual(await lab.lane(left).client(), before, 'all lanes start over as new clients');
    await expectProtocols(lab, ['HTTP/1.1', 'HTTP/2']);
    // The browser sends the page's cookies only to the page's origin.
    const [here, there] = own === 'HTTP/1.1' ? [left, right] : [right, left];
    const cookie = (lane) => lab.lane(lane).region.getByRole('combobox', { name: 'Cookie' });
    assert.deepEqual([await cookie(here).isEnabled(), await cookie(there).isEnabled()], [true, false]);
    await server.publish({ room, text: 'over both' });
    for (const lane of [left, right]) await lab.lane(lane).expectTexts(['over both']);

    // The address opens the page with these protocols, from the first request on.
    const address = new URL(lab.page.url());
    assert.deepEqual(address.searchParams.getAll('protocol'), ['http/1.1', 'h2']);
    await lab.page.goto('about:blank');
    await lab.page.goto(address.href);
    await expectProtocols(lab, ['HTTP/1.1', 'HTTP/2']);
    await lab.page.locator('.settings-button').click();

    // A stream and a long-poll switch protocols too.
    await lab.lane(right).transport('SSE').check();
    await lab.lane(left).transport('Long-polling').check();
    await server.publish({ room, text: 'pushed' });
    for (const lane of ['Long-polling', 'SSE']) await lab.lane(lane).expectTexts(['over both', 'pushed']);
    for (const lane of ['Long-polling', 'SSE']) await picker(lab, lane).selectOption(own);
    await expectProtocols(lab, [own, own]);
    for (const lane of ['Long-polling', 'SSE']) assert.ok(await cookie(lane).isEnabled());
    assert.equal(new URL(lab.page.url()).searchParams.get('protocol'), null);
    await lab.expectNoErrors();
    await lab.close();
  });
}

test('an unknown or unavailable protocol is reported and ignored', async () => {
  const alone = await Server.start();
  try {
    for (const [origin, protocol, says] of [
      [server.tlsOrigin, 'http%2F3', 'The address contains “protocol=http/3”'],
      [alone.origin, 'h2', 'The address asks for HTTP/2, which this browser cannot have from this server'],
    ]) {
      const lab = await LabPage.open(browser, `${origin}/?room=d&view=one&protocol=${protocol}`, OPTIONS);
      await lab.page.getByRole('alert').getByText(says).waitFor();
      await lab.waitForConnection('Polling');
      await lab.expectNoErrors();
      await lab.close();
    }
  } finally {
    await alone.end();
  }
});

test('there is no picker if only one protocol is available', async () => {
  const alone = await Server.start();
  try {
    for (const [address, options] of [
      [alone.origin, OPTIONS],
      // The certificate is not trusted, so the browser cannot use that origin.
      [server.origin, { reducedMotion: 'reduce' }],
    ]) {
      const lab = await LabPage.open(browser, `${address}/?room=e`, options);
      await lab.waitForBothLanes();
      await lab.page.getByRole('combobox', { name: 'Cookie' }).first().waitFor();
      await lab.page.waitForLoadState('networkidle', { timeout: 2_000 }).catch(() => {});
      assert.equal(await lab.page.getByRole('combobox', { name: 'Protocol' }).count(), 0);
      await lab.close();
    }
  } finally {
    await alone.end();
  }
});
