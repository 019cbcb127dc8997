// The page's build and its development server.
//
// The server embeds the output of `vite build`. It sends a strict Content-Security-Policy, so nothing may be
// inlined: every asset is a separate file under `assets/`, with its hash in its name.

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
            // Code that the languages share, of which a page loads only one.
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
    // Tests do not measure time, and a busy machine may be slow.
    testTimeout: 60_000,
  },
});
