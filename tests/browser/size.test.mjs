// How much JavaScript the page is, whatever is loaded later included.

import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { test } from 'node:test';
import { Server } from './support/server.mjs';

const MOST_BYTES = 80_000;

test('all JavaScript of the page is under 80 KB gzipped', async () => {
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
    // uPlot is loaded when it is needed: were it not found here, the sum would say nothing.
    assert.ok(sizes.size >= 2, [...sizes.keys()].join());
    const total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
    assert.ok(total > 20_000 && total <= MOST_BYTES, `${total} bytes: ${JSON.stringify([...sizes])}`);
  } finally {
    await server.end();
  }
});
