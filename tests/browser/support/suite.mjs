// The fixture of most test files: one browser per file, and a server and pages per test, which are always closed.

import { after, before, test } from 'node:test';
import { launch, LabPage } from './browser.mjs';
import { Server } from './server.mjs';

/** Reduces motion, as animations are most of a page's work on a machine without a graphics card. */
const CALM = { reducedMotion: 'reduce' };

/**
 * Returns a function that declares a test. The test gets `{ server, open }`; `open(query, options)` opens a page with
 * its settings shown, with one lane unless the query names a view.
 */
export function suite() {
  let browser;

  before(async () => {
    browser = await launch();
  });

  after(async () => {
    await browser?.close();
  });

  // Runs a test once with a new server, and closes everything afterwards.
  async function attempt(run, store) {
    const server = await Server.start(store);
    const pages = [];
    const open = async (query = '', { origin = server.origin, ...options } = {}) => {
      const address = server.page(inOneLane(query)).replace(server.origin, origin);
      const page = await LabPage.open(browser, address, { ...CALM, ...options });
      pages.push(page);
      return page;
    };
    try {
      await run({ server, open });
    } finally {
      await Promise.allSettled(pages.map((page) => page.close()));
      await server.end();
    }
  }

  // A failed test is repeated once, with a diagnostic, as on a busy machine the test can miss a moment. A defect of the
  // page fails twice.
  return (title, run, { store = 'memory' } = {}) =>
    test(title, async (context) => {
      try {
        await attempt(run, store);
      } catch (error) {
        context.diagnostic(`failed once, tried again: ${error.stack}`);
        await attempt(run, store);
      }
    });
}

/** Adds `view=one` to a query, unless it names a view itself. */
export function inOneLane(query) {
  return /[?&](view|transport)=/.test(query) ? query : `${query}${query === '' ? '?' : '&'}view=one`;
}
