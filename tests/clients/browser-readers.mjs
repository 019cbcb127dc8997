// Browser libraries, run in Chromium: a page of the server's origin imports each as a module.

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, normalize } from 'node:path';

const require = createRequire(import.meta.url);

/** The path below the server's origin from which the page imports modules. */
const PREFIX = '/modules/';

const READERS = {
  EventSource: {
    script: `const source = new EventSource(url); source.onmessage = onMessage;`,
  },
  'reconnecting-eventsource': {
    module: 'reconnecting-eventsource/build/esm/reconnecting-eventsource.js',
    script: `const source = new module.default(url); source.onmessage = onMessage;`,
  },
  '@microsoft/fetch-event-source': {
    module: '@microsoft/fetch-event-source/lib/esm/index.js',
    script: `module.fetchEventSource(url, {
      openWhenHidden: true,
      onmessage: (event) => event.event === '' && event.data !== '' && onMessage(event),
      // The library stops when the stream ends, unless this throws.
      onclose: () => { throw new Error('ended'); },
      onerror: () => 200,
    });`,
  },
  'sse.js': {
    module: 'sse.js/lib/sse.js',
    script: `const source = new module.SSE(url, { autoReconnect: true, reconnectDelay: 200, useLastEventId: true });
      source.onmessage = onMessage;`,
  },
};

export const BROWSER_READERS = Object.keys(READERS);

/** Reads `url` in a page of `context`, and calls `onText` with each message's text. */
export async function readInBrowser(context, name, url, onText) {
  const { module, script } = READERS[name];
  const page = await context.newPage();
  await page.route(`**${PREFIX}**`, async (route) => {
    const path = new URL(route.request().url()).pathname.slice(PREFIX.length);
    const file = join(packages(), normalize(path).replace(/(?<!\.js)$/, path.endsWith('.js') ? '' : '.js'));
    await route.fulfill({
      contentType: 'text/javascript',
      body: await readFile(file, 'utf8'),
    });
  });
  await page.exposeFunction('onText', onText);
  await page.goto(new URL('/healthz', url).href);
  const imported = module === undefined ? '' : `const module = await import('${PREFIX}${module}');`;
  await page.evaluate(`(async (url) => {
    const onMessage = ({ data }) => window.onText(JSON.parse(data).text);
    ${imported}
    ${script}
  })(${JSON.stringify(url)})`);
  return () => page.close();
}

/** The folder of the installed packages. */
function packages() {
  const parser = require.resolve('sse.js/lib/sse.js');
  return dirname(dirname(dirname(parser)));
}

/** Reads `url` with Firefox's EventSource. It gives up if a reconnection fails, so the caller must open another. */
export async function readInFirefox(browser, url, onText) {
  const page = await browser.newPage();
  await page.exposeFunction('onText', onText);
  await page.goto(new URL('/healthz', url).href);
  await page.evaluate((url) => {
    let cursor = '';
    const open = () => {
      const source = new EventSource(cursor === '' ? url : `${url}&cursor=${cursor}`);
      source.onmessage = ({ data, lastEventId }) => {
        cursor = lastEventId;
        window.onText(JSON.parse(data).text);
      };
      source.onerror = () => {
        if (source.readyState === EventSource.CLOSED) setTimeout(open, 200);
      };
    };
    open();
  }, url);
  return () => page.close();
}
