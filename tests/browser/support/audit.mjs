// Records everything that a page has shown, as the log itself keeps only the last messages.

import assert from 'node:assert/strict';
import { until } from './wait.mjs';

/** Records each message and gap that `log` shows from now on. Returns a function that reads them. */
export async function watchLog(log) {
  await log.evaluate((element) => {
    element.shown = [];
    new MutationObserver((changes) => {
      for (const { addedNodes } of changes) {
        for (const node of addedNodes) {
          const text = node.querySelector?.('.text')?.textContent;
          if (text) element.shown.push(text);
          else if (node.classList?.contains('gap')) element.shown.push('gap');
        }
      }
    }).observe(element.querySelector('ol'), { childList: true });
  });
  return () => log.evaluate((element) => element.shown);
}

/** Waits for the last message, and checks that each was shown once and in order, without a gap. */
export async function expectAllSeen(who, shown, published) {
  await until(
    `${who} shows the last message`,
    async () => (await shown()).includes(published.at(-1)),
    40_000,
  ).catch(async (error) => {
    throw new Error(`${error.message}; it shows ${(await shown()).slice(-3)}`);
  });
  assert.deepEqual(await shown(), published, who);
}

/** Records each text of `element`. Returns a function that reads them. */
export async function watchText(element) {
  await element.evaluate((node) => {
    node.had = [node.textContent];
    new MutationObserver(() => node.had.push(node.textContent)).observe(node, {
      childList: true,
      characterData: true,
      subtree: true,
    });
  });
  return () => element.evaluate((node) => node.had);
}

/** Publishes numbered messages, one each `every_ms`, until `stop`, which returns all that were published. */
export function publishNumbered(server, { room = 'lobby', every_ms = 0 } = {}) {
  const published = [];
  let going = true;
  const done = (async () => {
    while (going) {
      const text = `number ${published.length}`;
      await server.publish({ room, text });
      published.push(text);
      if (every_ms > 0) await new Promise((resolve) => setTimeout(resolve, every_ms));
    }
  })();
  // An error is reported when `stop` awaits it. A test that fails earlier does not.
  done.catch(() => {});
  return {
    published,
    async more(count) {
      const mark = published.length + count;
      await until('some more is published', () => published.length >= mark);
    },
    async stop() {
      going = false;
      await done;
      return published;
    },
  };
}
