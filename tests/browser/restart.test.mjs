// The server restarts: the page says so, reconnects by itself, and misses no stored message.

import assert from 'node:assert/strict';
import { suite } from './support/suite.mjs';
import { until } from './support/wait.mjs';

const check = suite();

for (const transport of ['Polling', 'Long-polling', 'SSE']) {
  check(
    `${transport} continues after a restart and misses nothing (sqlite)`,
    async ({ server, open }) => {
      const page = await open('', { name: 'mina' });
      await page.setInterval(0.25);
      await page.use(transport);
      await server.publish({ text: 'before' });
      await page.expectTexts(['before']);

      await server.down();
      await until('the page says that it reconnects', async () =>
        /^Reconnecting…/.test(await page.statusText()),
      );
      await server.up();
      // Published before the page has reconnected, so that it must catch up.
      await server.publish({ text: 'while away' });
      await page.expectTexts(['before', 'while away']);
      await page.waitForConnection(transport);
      await server.publish({ text: 'after' });
      await page.expectTexts(['before', 'while away', 'after']);
      assert.equal(await page.log.locator('.gap').count(), 0);
    },
    { store: 'sqlite' },
  );

  check(
    `${transport} reports that messages may be missing after the log was replaced (memory)`,
    async ({ server, open }) => {
      const page = await open('');
      await page.setInterval(0.25);
      await page.use(transport);
      for (const text of ['one', 'two', 'three']) await server.publish({ text });
      await page.expectTexts(['one', 'two', 'three']);

      await server.down();
      await until('the page says that it reconnects', async () =>
        /^Reconnecting…/.test(await page.statusText()),
      );
      await server.up();
      await server.publish({ text: 'first of the new log' });
      await page.expectTexts(['one', 'two', 'three', 'first of the new log']);
      await page.log.getByText('Messages may be missing here').waitFor();
      await server.publish({ text: 'second of the new log' });
      await page.expectTexts(['one', 'two', 'three', 'first of the new log', 'second of the new log']);
      assert.equal(await page.log.locator('.gap').count(), 1);
    },
  );
}

check(
  'a page in an empty room gets all messages published after a restart',
  async ({ server, open }) => {
    const page = await open('?room=quiet');
    await page.use('SSE');
    await server.down();
    await until('the page says that it reconnects', async () =>
      /^Reconnecting…/.test(await page.statusText()),
    );
    await server.up();
    const texts = Array.from({ length: 70 }, (_, index) => `number ${index}`);
    await Promise.all([
      page.waitForConnection('SSE'),
      ...texts.map((text) => server.publish({ room: 'quiet', text })),
    ]);
    await until('all messages are shown', async () => (await page.texts()).length >= texts.length);
    assert.deepEqual((await page.texts()).toSorted(), texts.toSorted());
  },
  { store: 'sqlite' },
);

check(
  'transports can be switched while the server is away',
  async ({ server, open }) => {
    const page = await open();
    await page.setInterval(0.25);
    await server.publish({ text: 'before' });
    await page.expectTexts(['before']);
    await server.down();
    for (const transport of ['SSE', 'Long-polling', 'Polling', 'SSE'])
      await page.transport(transport).check();
    await server.up();
    await server.publish({ text: 'after' });
    await page.expectTexts(['before', 'after']);
    await page.waitForConnection('SSE');
  },
  { store: 'sqlite' },
);
