// The client package, packed and installed as users do, under Node and in a page, against the real server.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { launch } from './support/browser.mjs';
import { Server } from './support/server.mjs';
import { until } from './support/wait.mjs';

const run = promisify(execFile);
const fromHere = (path) => fileURLToPath(new URL(path, import.meta.url));
const CLIENT = fromHere('../../web/src/client');
const EXAMPLE = fromHere('../../docs/examples/read-a-room.html');
const NPM_MS = 120_000;

let folder;
let tarball;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'poll-vs-sse-client-'));
  const packed = await run('npm', ['pack', '--json', '--pack-destination', folder], {
    cwd: CLIENT,
    timeout: NPM_MS,
  });
  tarball = JSON.parse(packed.stdout.slice(packed.stdout.indexOf('['))).at(0);
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', `./${tarball.filename}`], {
    cwd: folder,
    timeout: NPM_MS,
  });
});

after(() => rm(folder, { recursive: true, force: true }));

test('the package contains its build, types and README, and has no dependencies', async () => {
  const names = tarball.files.map(({ path }) => path);
  for (const name of ['README.md', 'dist/index.js', 'dist/index.d.ts']) assert.ok(names.includes(name), name);
  assert.deepEqual(
    names.filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts')),
    [],
  );
  const manifest = JSON.parse(await readFile(join(folder, 'node_modules/poll-vs-sse-client/package.json')));
  assert.deepEqual(Object.keys(manifest.dependencies ?? {}), []);
});

test('its types check a program that uses the package', async () => {
  const tsc = fromHere('../../web/node_modules/.bin/tsc');
  const check = async (transport) => {
    await writeFile(
      join(folder, 'use.ts'),
      `import { RoomReader, type Message } from 'poll-vs-sse-client';
       const seen: Message[] = [];
       const reader = new RoomReader({ url: 'http://chat.example/' }, { messages: (m) => seen.push(...m) });
       reader.use('${transport}');`,
    );
    const options = ['--noEmit', '--strict', '--module', 'nodenext', '--types', '', '--lib', 'es2022,dom'];
    return run(tsc, [...options, 'use.ts'], { cwd: folder, timeout: NPM_MS });
  };
  await check('stream');
  await assert.rejects(check('pigeon'), ({ stdout }) => /not assignable/.test(stdout));
});

test('a program under Node reads a room by polling and long-polling', async () => {
  const server = await Server.start();
  try {
    await server.publish({ text: 'first' });
    await writeFile(
      join(folder, 'read.js'),
      `import { RoomReader } from 'poll-vs-sse-client';
       const reader = new RoomReader(
         { url: process.argv[2], interval_s: 0.25, client: 'node' },
         {
           messages: (messages, by) => {
             for (const { text } of messages) console.log(by, text);
             if (by === 'poll') reader.use('long-poll');
             else reader.stop();
           },
           link: ({ kind }, by) => kind === 'live' && by === 'long-poll' && console.log('waiting'),
         },
       );
       reader.use('poll');`,
    );
    const reading = run('node', ['read.js', server.origin], { cwd: folder, timeout: 30_000 });
    let shown = '';
    reading.child.stdout.on('data', (chunk) => (shown += chunk));
    await until('the program waits', async () => shown.includes('waiting'));
    await server.publish({ text: 'second' });
    const { stdout } = await reading;
    const lines = stdout.split('\n').filter((line) => line !== '' && line !== 'waiting');
    assert.deepEqual(lines, ['poll first', 'long-poll second']);
    const { transports } = await server.ledger('node');
    assert.equal(transports.poll.messages, 1);
    assert.equal(transports['long-poll'].messages, 1);
  } finally {
    await server.end();
  }
});

const TYPES = { '.html': 'text/html', '.js': 'text/javascript' };

/** Serves the example and the package as files, and forwards all other routes to the server. */
async function site(server) {
  const http = createServer(async (asked, answer) => {
    const { pathname } = new URL(asked.url, 'http://site/');
    const type = TYPES[extname(pathname)];
    if (type !== undefined) {
      const file = pathname === '/index.html' ? EXAMPLE : join(folder, normalize(pathname));
      answer.setHeader('Content-Type', type);
      return answer.end(await readFile(file));
    }
    const { method, headers } = asked;
    const onward = request(new URL(asked.url, server.origin), { method, headers }, (upstream) => {
      answer.writeHead(upstream.statusCode, upstream.headers);
      upstream.pipe(answer);
    });
    onward.on('error', () => answer.destroy());
    answer.on('close', () => onward.destroy());
    asked.pipe(onward);
  });
  await new Promise((listening) => http.listen(0, '127.0.0.1', listening));
  return http;
}

test('the example page reads over every transport, and its tabs share a stream', async () => {
  const server = await Server.start();
  const http = await site(server);
  const browser = await launch();
  try {
    const context = await browser.newContext();
    const errors = [];
    const open = async () => {
      const page = await context.newPage();
      page.on('pageerror', (error) => errors.push(String(error)));
      await page.goto(`http://127.0.0.1:${http.address().port}/index.html`);
      return page;
    };
    const page = await open();
    const items = (of) => of.getByRole('listitem').allTextContents();
    const expected = [];
    for (const transport of ['poll', 'long-poll', 'stream']) {
      await page.getByLabel('Transport').selectOption(transport);
      const link = page.locator('output');
      await until(`the page reads by ${transport}`, async () =>
        (await link.textContent()).startsWith(`${transport}: live`),
      );
      await server.publish({ text: `over ${transport}` });
      expected.push(`tomas: over ${transport}`);
      await until('the message is there', async () => (await items(page)).length === expected.length);
    }
    assert.deepEqual(await items(page), expected);

    const second = await open();
    await second.getByLabel('Transport').selectOption('stream');
    await until('the second tab shares the stream', async () =>
      /stream: live shared/.test(await second.locator('output').textContent()),
    );
    await server.publish({ text: 'for both' });
    for (const each of [page, second]) {
      await until('both have it', async () => (await items(each)).at(-1) === 'tomas: for both');
    }
    assert.equal((await server.ledger()).transports.stream.open, 1);
    assert.deepEqual(errors, []);
  } finally {
    await browser.close();
    http.closeAllConnections();
    http.close();
    await server.end();
  }
});
