// EventSource over HTTP/2 and TLS without the lab's page, to test how the browser itself works with the server.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch } from './support/browser.mjs';
import { BINARY } from './support/server.mjs';
import { until } from './support/wait.mjs';

let browser;
let folder;
let server;
let ports;

before(async () => {
  browser = await launch();
  folder = await mkdtemp(join(tmpdir(), 'poll-vs-sse-'));
  ports = [await freePort(), await freePort()];
  await up();
});

after(async () => {
  await browser?.close();
  await down();
  await rm(folder, { recursive: true, force: true });
});

function freePort() {
  return new Promise((resolve) => {
    const listener = createServer().listen(0, '127.0.0.1', () => {
      const { port } = listener.address();
      listener.close(() => resolve(port));
    });
  });
}

async function up() {
  const [clear, tls] = ports.map((port) => `127.0.0.1:${port}`);
  const flags = [
    '--bind',
    clear,
    '--bind-tls',
    tls,
    '--tls',
    'self-signed',
    '--store',
    `sqlite:${folder}/chat.db`,
  ];
  server = spawn(BINARY, flags, { stdio: 'ignore' });
  await until('the server is ready', () =>
    fetch(`http://${clear}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
}

async function down() {
  const ended = new Promise((resolve) => server.once('exit', resolve));
  server.kill('SIGTERM');
  await ended;
}

async function publish(text) {
  const response = await fetch(`http://127.0.0.1:${ports[0]}/messages`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ author: 'mina', text }),
  });
  assert.equal(response.status, 201);
}

/** Opens a page of the server's origin over TLS, with `n` EventSources that record their messages. */
async function pageWithStreams(n) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  await page.goto(`https://127.0.0.1:${ports[1]}/healthz`);
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
  await publish('to all eight');
  await until('all have it', async () => (await texts()).every((list) => list.includes('to all eight')));
  await close();
});

test('a stream resumes after a restart, without a lost or repeated message', async () => {
  const { texts, close } = await pageWithStreams(1);
  const sent = [];
  const publishNext = async (text) => {
    await publish(text);
    sent.push(text);
  };
  for (let n = 1; n <= 5; n++) await publishNext(`before ${n}`);
  await until('it has all messages', async () => (await texts())[0].length === sent.length);
  for (let round = 1; round <= 2; round++) {
    await down();
    await up();
    for (let n = 1; n <= 5; n++) await publishNext(`after restart ${round}, ${n}`);
    await until('the stream has caught up', async () => (await texts())[0].length >= sent.length);
  }
  assert.deepEqual((await texts())[0], sent);
  await close();
});
