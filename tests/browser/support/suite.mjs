// What every test file starts with: one browser for the file, and per test a server and pages that are ended
// whatever happens.

import { after, before, test } from 'node:test';
import { launch, LabPage } from './browser.mjs';
import { Server } from './server.mjs';

/** Nothing moves that need not: drawing what moves is most of a page's work on a machine without a graphics card. */
const CALM = { reducedMotion: 'reduce' };

/**
 * `run` is given `{ server, open }`; `open(query, options)` opens a page of the server with its settings shown: one lane,
 * unless the query says otherwise.
 */
export function suite() {
  let browser;

  before(async () => {
    browser = await launch();
  });

  after(async () => {
    await browser?.close();
  });

  // One attempt: a server and pages of its own, ended whatever happens.
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

  // A test that fails is run once more, and says so: on a busy machine a browser can miss a moment that the page did
  // not. What is wrong with the page fails twice.
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

/** A query that asks for one lane, unless it asks for a view itself. */
export function inOneLane(query) {
  return /[?&](view|transport)=/.test(query) ? query : `${query}${query === '' ? '?' : '&'}view=one`;
}
