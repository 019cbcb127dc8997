// The amount of JavaScript that a visitor loads, including chunks loaded later, and its compression.

import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { test } from 'node:test';
import { launch } from './support/browser.mjs';
import { Server } from './support/server.mjs';

const MAX_BYTES = 80_000;

test('all JavaScript of the page in one language is under 80 KB gzipped', async () => {
  const server = await Server.start();
  try {
    const load = async (address) => {
      const response = await fetch(new URL(address, server.page()), { signal: AbortSignal.timeout(10_000) });
      assert.equal(response.status, 200, address);
      return response.text();
    };
    const sizes = new Map();
    const wanted = [...(await load('./')).matchAll(/assets\/[\w.-]+\.js/g)].map(([name]) => name);
    for (const name of wanted) {
      if (sizes.has(name)) continue;
      const script = await load(name);
      sizes.set(name, gzipSync(script).length);
      for (const [, chunk] of script.matchAll(/["'`](?:\.\/|assets\/)([\w-]+-[\w-]+\.js)["'`]/g))
        wanted.push(`assets/${chunk}`);
    }
    // Plots are in a chunk that is loaded later, so there must be at least two.
    assert.ok(sizes.size >= 2, [...sizes.keys()].join());
    // A page loads only one of these.
    const languages = [...sizes.keys()].filter((name) => /assets\/(en|ko)-/.test(name));
    assert.equal(languages.length, 2, [...sizes.keys()].join());
    for (const language of languages) {
      const loaded = [...sizes].filter(([name]) => name === language || !languages.includes(name));
      const total = loaded.reduce((sum, [, size]) => sum + size, 0);
      assert.ok(total > 20_000 && total <= MAX_BYTES, `${total} bytes: ${JSON.stringify(loaded)}`);
    }
  } finally {
    await server.end();
  }
});

test('the page is sent compressed, and only in its own language', async () => {
  const server = await Server.start();
  const browser = await launch();
  try {
    const page = await browser.newPage();
    const encodings = new Map();
    page.on('response', (response) => {
      const { pathname } = new URL(response.url());
      if (/^\/(assets\/.*)?$/.test(pathname)) encodings.set(pathname, response.headers()['content-encoding']);
    });
    await page.goto(server.page('?lang=ko'));
    await page.getByRole('textbox', { name: '메시지 쓰기' }).waitFor();
    assert.ok(encodings.size > 5, [...encodings.keys()].join());
    for (const [name, encoding] of encodings) assert.match(encoding ?? '', /^(br|gzip)$/, name);
    const loaded = [...encodings.keys()].join();
    assert.match(loaded, /assets\/ko-/);
    assert.doesNotMatch(loaded, /assets\/en-/);
  } finally {
    await browser.close();
    await server.end();
  }
});
