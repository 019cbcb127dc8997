// A page of another origin, such as a front end on its own host: it polls, streams and publishes if the server allows
// it, and can do nothing otherwise.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { launch } from './support/browser.mjs';
import { Server } from './support/server.mjs';

let browser;
let site;

/** Starts a site with one empty page. Its origin differs from the server's by its port. */
function startSite() {
  const http = createServer((_, response) => {
    response
      .writeHead(200, { 'Content-Type': 'text/html' })
      .end('<!doctype html><title>Another origin</title>');
  });
  return new Promise((resolve) => {
    http.listen(0, '127.0.0.1', () => resolve({ http, origin: `http://127.0.0.1:${http.address().port}` }));
  });
}

before(async () => {
  browser = await launch();
  site = await startSite();
});

after(async () => {
  await browser?.close();
  site?.http.closeAllConnections();
  site?.http.close();
});

/** Publishes, polls and streams from a page of the site, with cookies or without, and returns the results. */
async function use(server, credentials) {
  const page = await browser.newPage();
  try {
    await page.goto(site.origin);
    return await page.evaluate(
      async ({ origin, credentials }) => {
        const got = {};
        const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': 'a-key' };
        const body = JSON.stringify({ author: 'mina', text: 'from another origin' });
        try {
          const published = await fetch(`${origin}/messages`, { method: 'POST', headers, body, credentials });
          got.published = { status: published.status, location: published.headers.get('Location') };
        } catch (error) {
          got.published = error.name;
        }
        try {
          const polled = await fetch(`${origin}/poll`, { cache: 'no-store', credentials });
          got.polled = (await polled.json()).messages.map((message) => message.text);
          got.tag = polled.headers.get('ETag');
          const tag = { 'If-None-Match': got.tag };
          const again = await fetch(`${origin}/poll`, { headers: tag, cache: 'no-store', credentials });
          got.again = again.status;
          const [timing] = performance.getEntriesByName(`${origin}/poll`);
          got.timing = timing.requestStart > 0;
        } catch (error) {
          got.polled = error.name;
        }
        got.streamed = await new Promise((resolve) => {
          const source = new EventSource(`${origin}/stream`, { withCredentials: credentials === 'include' });
          source.onmessage = (event) => {
            source.close();
            resolve(JSON.parse(event.data).text);
          };
          source.onerror = () => {
            source.close();
            resolve('error');
          };
        });
        return got;
      },
      { origin: server.origin, credentials },
    );
  } finally {
    await page.close();
  }
}

for (const [title, origin, credentials] of [
  ['a page of a named origin polls, streams and publishes, with cookies', () => site.origin, 'include'],
  ['any page polls, streams and publishes without cookies if every origin is allowed', () => '*', 'omit'],
]) {
  test(title, async () => {
    const server = await Server.start('memory', ['--cors-origin', origin()]);
    try {
      const got = await use(server, credentials);
      assert.equal(got.published.status, 201);
      assert.match(got.published.location, /^poll\?room=lobby/);
      assert.deepEqual(got.polled, ['from another origin']);
      assert.match(got.tag, /^"/);
      assert.equal(got.again, 304);
      assert.ok(got.timing, 'its timing is visible');
      assert.equal(got.streamed, 'from another origin');
    } finally {
      await server.end();
    }
  });
}

for (const [title, flags] of [
  ['a page of another origin can do nothing by default', []],
  ['a page of an origin that is not listed can do nothing', ['--cors-origin', 'https://chat.example']],
]) {
  test(title, async () => {
    const server = await Server.start('memory', flags);
    try {
      const got = await use(server, 'include');
      assert.deepEqual(got, { published: 'TypeError', polled: 'TypeError', streamed: 'error' });
      const after = await (await fetch(`${server.origin}/poll`)).json();
      assert.deepEqual(after.messages, []);
    } finally {
      await server.end();
    }
  });
}
