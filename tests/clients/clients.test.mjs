// Audits third-party clients: each must read every message once and in order while connections are cut, the server is
// killed or drained, and tokens expire.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch } from '../browser/support/browser.mjs';
import { launchFirefox } from '../browser/support/firefox.mjs';
import { Audit, FAULTS } from './audit.mjs';
import { BROWSER_READERS, readInBrowser, readInFirefox } from './browser-readers.mjs';
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

/** Built by `npm run readers`. */
const RUST_READERS = fileURLToPath(
  new URL('../../target/client-readers/debug/client-readers', import.meta.url),
);
const RUST_LIBRARIES = ['eventsource-client', 'reqwest-eventsource'];

/** Takes an event's id before the event is complete. So it loses an event in the middle of which it is cut. */
const TAKES_IDS_EARLY = '@microsoft/fetch-event-source';

let browser;
let firefox;

before(async () => {
  browser = await launch();
  firefox = await launchFirefox();
});

after(async () => {
  await browser?.close();
  await firefox?.close();
});

/** Reads in a separate process, which prints each message's text as a line. */
function readInProcess(command, args, onText) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  createInterface({ input: child.stdout }).on('line', onText);
  return () => child.kill('SIGKILL');
}

function declareAudit(name, read) {
  test(`${name} reads every message once and in order`, async (t) => {
    const audit = await Audit.start();
    audit.cutsInsideEvents = !name.startsWith(TAKES_IDS_EARLY);
    let stop;
    try {
      stop = await read(audit.url, (text) => audit.received.push(text));
      await audit.waitUntilConnected();
      await audit.publish(3);
      await audit.waitUntilCaughtUp();
      for (const [fault, apply] of Object.entries(FAULTS)) {
        await t.test(`through ${fault}`, async () => {
          await apply(audit);
          await audit.waitUntilCaughtUp();
          // Further messages show that none arrives late or twice.
          await audit.publish(2);
          await audit.waitUntilCaughtUp();
          assert.deepEqual(audit.received, audit.sent);
        });
      }
    } finally {
      await stop?.();
      await audit.end();
    }
  });
}

// Concurrent, as each has its own server and mostly waits.
describe('third-party clients', { concurrency: 4 }, () => {
  for (const [name, read] of Object.entries(NODE_READERS)) declareAudit(name, read);

  for (const name of BROWSER_READERS) {
    declareAudit(`${name} in Chromium`, async (url, onText) => {
      const context = await browser.newContext();
      const close = await readInBrowser(context, name, url, onText);
      return async () => {
        await close();
        await context.close();
      };
    });
  }

  declareAudit('EventSource in Firefox', (url, onText) => readInFirefox(firefox, url, onText));

  for (const name of PYTHON_LIBRARIES) {
    declareAudit(`${name} (Python)`, (url, onText) =>
      readInProcess(PYTHON, [PYTHON_READER, name, url], onText),
    );
  }

  for (const name of RUST_LIBRARIES) {
    declareAudit(`${name} (Rust)`, (url, onText) => readInProcess(RUST_READERS, [name, url], onText));
  }
});
