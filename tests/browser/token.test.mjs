// A server that requires tokens: the page says so on every transport, and accepts a token in its settings.

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch, LabPage } from './support/browser.mjs';
import { SECRET, token } from './support/issuer.mjs';
import { Server } from './support/server.mjs';
import { until } from './support/wait.mjs';

let browser;
let folder;

before(async () => {
  browser = await launch();
  folder = await mkdtemp(join(tmpdir(), 'poll-vs-sse-keys-'));
  await writeFile(join(folder, 'secret'), SECRET);
});

after(async () => {
  await browser?.close();
  await rm(folder, { recursive: true, force: true });
});

async function withPage(query, run) {
  const server = await Server.start('memory', ['--auth', 'jwt', '--jwt-secret-file', join(folder, 'secret')]);
  let lab;
  try {
    lab = await LabPage.open(browser, server.page(query), { settings: false });
    await run(lab, server);
  } finally {
    await lab?.close();
    await server.end();
  }
}

const waitForSentence = (lab, sentence) =>
  until(`the page says “${sentence}”`, async () =>
    (await lab.page.getByRole('status').allTextContents()).some((text) => text.includes(sentence)),
  );

async function use(lab, text) {
  const enter = lab.page.getByRole('button', { name: 'Enter a token' });
  await enter.click();
  const field = lab.page.getByLabel('Token', { exact: true });
  assert.ok(await field.evaluate((each) => each === document.activeElement));
  await field.fill(text);
  await lab.page.getByRole('button', { name: 'Use token' }).click();
}

for (const transport of ['poll', 'stream']) {
  test(`the page says that a token is needed, and reads and writes with one: ${transport}`, async () => {
    await withPage(`?view=one&transport=${transport}`, async (lab) => {
      await waitForSentence(lab, 'a token is needed');
      await use(lab, token(600));
      await lab.name.fill('mina');
      await lab.send('With a token.');
      await lab.expectTexts(['With a token.']);
      assert.equal(await lab.page.getByRole('button', { name: 'Enter a token' }).isVisible(), false);
      assert.equal(await lab.page.getByLabel('Token', { exact: true }).inputValue(), '');
      assert.ok(!lab.page.url().includes('ey'), lab.page.url());
    });
  });
}

test('a stream that ends with its token says so', async () => {
  await withPage('?view=one&transport=stream', async (lab) => {
    await waitForSentence(lab, 'a token is needed');
    await use(lab, token(8));
    await lab.waitForConnection('SSE');
    await waitForSentence(lab, 'the token has expired');
  });
});
