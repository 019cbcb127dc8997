// How the page is built and served while it is worked on.
//
// The server embeds what `vite build` writes. It sends a strict Content-Security-Policy, so nothing may be
// inlined: every asset is a file of its own under `assets/`, with its hash in its name.

import { defineConfig } from 'vitest/config';

const server = process.env['POLL_VS_SSE_SERVER'] ?? 'http://127.0.0.1:8080';

const ROUTES = ['/poll', '/stream', '/messages', '/ledger', '/presence', '/trace', '/plan'];

export default defineConfig({
  base: './',
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: false,
    rolldownOptions: {
      output: {
        codeSplitting: {
          includeDependenciesRecursively: false,
          groups: [
            // What the languages need as well, which are loaded one at a time.
            { name: 'base', test: /i18n\/(amounts|format|language)\.ts|views\/dom\.ts/ },
          ],
        },
      },
    },
  },
  server: {
    host: '127.0.0.1',
    proxy: Object.fromEntries(ROUTES.map((route) => [route, server])),
  },
  test: {
    include: ['test/**/*.test.ts'],
    environment: 'node',
    // No test is about time; a busy machine may take long over one.
    testTimeout: 60_000,
  },
});
