// EventSource over HTTP/2 and TLS without the lab's page, to test how the browser itself works with the server.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch } from './support/browser.mjs';
import { Server } from './support/server.mjs';
import { until } from './support/wait.mjs';

let browser;
let server;

before(async () => {
  browser = await launch();
  server = await Server.start('sqlite', ['--tls', 'self-signed']);
});

after(async () => {
  await browser?.close();
  await server?.end();
});

/** Opens a page of the server's origin over TLS, with `n` EventSources that record their messages. */
async function pageWithStreams(n) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  await page.goto(`${server.tlsOrigin}/healthz`);
  await page.evaluate((count) => {
    window.streams = Array.from({ length: count }, () => {
      const source = new EventSource('/stream?last=0');
      const stream = { source, texts: [] };
      source.onmessage = ({ data }) => stream.texts.push(JSON.parse(data).text);
      return stream;
    });
  }, n);
  const opened = () =>
    page.evaluate(() => window.streams.filter(({ source }) => source.readyState === EventSource.OPEN).length);
  await until('all streams are open', async () => (await opened()) === n);
  const texts = () => page.evaluate(() => window.streams.map(({ texts }) => texts));
  return { page, texts, close: () => context.close() };
}

test('eight streams of a page share one connection, and leave room for a request', async () => {
  const { page, texts, close } = await pageWithStreams(8);
  const protocol = await page.evaluate(async () => {
    await (await fetch('/poll', { cache: 'no-store' })).text();
    const entries = performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('/poll'));
    return entries.at(-1).nextHopProtocol;
  });
  assert.equal(protocol, 'h2');
  // A connection is counted with the transport of its first request.
  const transports = Object.values((await server.ledger()).transports);
  const connections = transports.reduce((sum, transport) => sum + transport.connections, 0);
  assert.equal(connections, 1);
  await server.publish({ text: 'to all eight' });
  await until('all have it', async () => (await texts()).every((list) => list.includes('to all eight')));
  await close();
});

test('a stream resumes after a restart, without a lost or repeated message', async () => {
  const { texts, close } = await pageWithStreams(1);
  const sent = [];
  const publishNext = async (text) => {
    await server.publish({ text });
    sent.push(text);
  };
  for (let n = 1; n <= 5; n++) await publishNext(`before ${n}`);
  await until('it has all messages', async () => (await texts())[0].length === sent.length);
  for (let round = 1; round <= 2; round++) {
    await server.down();
    await server.up();
    for (let n = 1; n <= 5; n++) await publishNext(`after restart ${round}, ${n}`);
    await until('the stream has caught up', async () => (await texts())[0].length >= sent.length);
  }
  assert.deepEqual((await texts())[0], sent);
  await close();
});
