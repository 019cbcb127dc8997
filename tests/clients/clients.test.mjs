// Clients that others wrote, audited: through connections that are cut and a server that restarts, each reads every
// message once and in order.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer, connect } from 'node:net';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch } from '../browser/support/browser.mjs';
import { Server } from '../browser/support/server.mjs';
import { until } from '../browser/support/wait.mjs';
import { BROWSER_READERS, readInBrowser } from './browser-readers.mjs';
import { NODE_READERS } from './node-readers.mjs';

const PYTHON = fileURLToPath(new URL('../../target/test-tools/bin/python', import.meta.url));
const PYTHON_READER = fileURLToPath(new URL('reader.py', import.meta.url));
const PYTHON_LIBRARIES = [
  'aiohttp-sse-client2',
  'httpx-sse',
  'launchdarkly-eventsource',
  'requests-sse',
  'sseclient-py',
];

let browser;

before(async () => {
  browser = await launch();
});

after(async () => {
  await browser?.close();
});

/** Passes bytes on to the server at `port`, until they are cut. */
class Link {
  #sockets = new Set();
  #listener;

  static open(port) {
    const link = new Link();
    link.#listener = createServer((client) => {
      const server = connect(port, '127.0.0.1');
      for (const [from, to] of [
        [client, server],
        [server, client],
      ]) {
        link.#sockets.add(from);
        from.pipe(to);
        from.on('error', () => to.destroy());
        from.on('close', () => {
          link.#sockets.delete(from);
          to.destroy();
        });
      }
    });
    return new Promise((resolve) => link.#listener.listen(0, '127.0.0.1', () => resolve(link)));
  }

  get origin() {
    return `http://127.0.0.1:${this.#listener.address().port}`;
  }

  get connections() {
    return this.#sockets.size / 2;
  }

  /** Resets every connection, in the middle of whatever is on its way. */
  cut() {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  close() {
    this.cut();
    this.#listener.close();
  }
}

function audited(name, read) {
  test(`${name} misses and repeats nothing`, async () => {
    const server = await Server.start('sqlite');
    const link = await Link.open(Number(new URL(server.origin).port));
    const sent = [];
    const received = [];
    const publish = async (count) => {
      for (let n = 0; n < count; n++) {
        const text = `message ${sent.length}`;
        await server.publish({ text });
        sent.push(text);
      }
    };
    const caughtUp = () => until('it has all', () => received.length >= sent.length);
    let stop;
    try {
      stop = await read(`${link.origin}/stream?last=0`, (text) => received.push(text));
      await until('it is connected', async () => {
        const { transports } = await server.ledger();
        return transports.stream.open >= 1;
      });
      await publish(3);
      await caughtUp();
      for (let round = 0; round < 2; round++) {
        const publishing = publish(20);
        link.cut();
        await publishing;
        await caughtUp();
        await server.down();
        await server.up();
        await publish(5);
        await caughtUp();
      }
      assert.deepEqual(received, sent);
    } finally {
      await stop?.();
      link.close();
      await server.end();
    }
  });
}

for (const [name, read] of Object.entries(NODE_READERS)) audited(name, read);

for (const name of BROWSER_READERS) {
  audited(`${name} in Chromium`, async (url, onText) => {
    const context = await browser.newContext();
    const close = await readInBrowser(context, name, url, onText);
    return async () => {
      await close();
      await context.close();
    };
  });
}

for (const name of PYTHON_LIBRARIES) {
  audited(`${name} (Python)`, (url, onText) => {
    const child = spawn(PYTHON, [PYTHON_READER, name, url], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    createInterface({ input: child.stdout }).on('line', onText);
    return () => child.kill('SIGKILL');
  });
}
