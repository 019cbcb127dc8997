// Browsers that refuse a feature: the page reads and writes without it, and says what is missing.

import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { LabPage, launchPersistent } from './support/browser.mjs';
import { Server } from './support/server.mjs';
import { suite } from './support/suite.mjs';
import { until } from './support/wait.mjs';

const check = suite();

/** Checks that the page reads another client's messages over each transport, and writes one. */
async function expectReadsAndWrites(lab, server) {
  const texts = [];
  for (const transport of ['Long-polling', 'SSE', 'Polling']) {
    await lab.use(transport);
    await server.publish({ text: `over ${transport}` });
    texts.push(`over ${transport}`);
    await lab.expectTexts(texts);
  }
  await lab.name.fill('mina');
  await lab.send('I write too.');
  await lab.expectTexts([...texts, 'I write too.']);
}

const notice = (lab) => lab.page.getByRole('region', { name: 'Notice' });

test('a page without storage reads and writes, and says what is missing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'poll-vs-sse-profile-'));
  const server = await Server.start();
  let context;
  try {
    // The preference that Chromium's setting "block all cookies" writes.
    await mkdir(join(folder, 'Default'));
    const settings = { profile: { default_content_setting_values: { cookies: 2 } } };
    await writeFile(join(folder, 'Default', 'Preferences'), JSON.stringify(settings));
    context = await launchPersistent(folder);
    const lab = await LabPage.within(context, server.page('?view=one'));
    await expectReadsAndWrites(lab, server);
    assert.match(await notice(lab).textContent(), /refuses this page storage .*Web Locks/);
    const second = await LabPage.within(context, server.page('?view=one'));
    await second.use('SSE');
    const before = await lab.texts();
    await until('it has the earlier messages', async () => (await second.texts()).length === before.length);
    await server.publish({ text: 'for two tabs' });
    await second.expectTexts(['for two tabs'], before);
    for (const each of [lab, second]) await each.expectNoErrors();
  } finally {
    await context?.close();
    await server.end();
    await rm(folder, { recursive: true, force: true });
  }
});

const REFUSALS = {
  'storage that is full': {
    says: /storage/,
    refuse: () => {
      Storage.prototype.setItem = () => {
        throw new DOMException('full', 'QuotaExceededError');
      };
    },
  },
  'Web Locks that never answer': {
    says: /Web Locks/,
    refuse: () => {
      LockManager.prototype.request = () => new Promise(() => {});
    },
  },
  'Web Locks that throw': {
    says: /Web Locks/,
    refuse: () => {
      LockManager.prototype.request = () => {
        throw new DOMException('refused', 'SecurityError');
      };
    },
  },
  'channels between tabs': {
    says: /channels/,
    refuse: () => {
      globalThis.BroadcastChannel = class {
        constructor() {
          throw new DOMException('refused', 'SecurityError');
        }
      };
    },
  },
  'the address bar': {
    says: null,
    refuse: () => {
      history.replaceState = () => {
        throw new DOMException('too often', 'SecurityError');
      };
    },
  },
  'intersection and resize observers': {
    says: null,
    refuse: () => {
      delete globalThis.IntersectionObserver;
      globalThis.ResizeObserver = class {
        constructor() {
          throw new TypeError('refused');
        }
      };
    },
  },
};

for (const [feature, { says, refuse }] of Object.entries(REFUSALS)) {
  check(`the page works without ${feature}`, async ({ server, open }) => {
    const lab = await open('', { before: refuse });
    await expectReadsAndWrites(lab, server);
    if (says === null) assert.equal(await notice(lab).isVisible(), false);
    else await until('the page says so', async () => says.test(await notice(lab).textContent()));
    await lab.expectNoErrors();
  });
}

for (const refuse of [
  () => (Clipboard.prototype.writeText = () => Promise.reject(new DOMException('denied', 'NotAllowedError'))),
  () =>
    (Clipboard.prototype.writeText = () => {
      throw new DOMException('denied', 'NotAllowedError');
    }),
  () => Object.defineProperty(Navigator.prototype, 'clipboard', { value: undefined }),
]) {
  check('the link is shown if the clipboard refuses it', async ({ open }) => {
    const lab = await open('?room=tea', { before: refuse });
    await lab.page.getByRole('button', { name: 'Copy link' }).click();
    await lab.page.getByRole('link', { name: /room=tea/ }).waitFor();
    await lab.expectNoErrors();
  });
}
