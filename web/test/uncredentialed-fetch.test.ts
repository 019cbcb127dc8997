import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { fakeFetch, json, problem } from './support.ts';

beforeEach(() => {
  vi.resetModules();
});

afterEach(() => {
  vi.unstubAllGlobals();
});

async function ask(...replies: Parameters<typeof fakeFetch>) {
  const { fetch, calls } = fakeFetch(...replies);
  vi.stubGlobal('fetch', fetch);
  const { uncredentialedFetch } = await import('../src/lab/uncredentialed-fetch.ts');
  return { uncredentialedFetch, credentials: () => calls.map(({ init }) => init.credentials) };
}

describe('an uncredentialed fetch', () => {
  test('sends no credentials', async () => {
    const { uncredentialedFetch, credentials } = await ask(() => json(200, {}));
    expect((await uncredentialedFetch('ledger')).status).toBe(200);
    expect(credentials()).toEqual(['omit']);
  });

  test('sends credentials from the first refusal on', async () => {
    const { uncredentialedFetch, credentials } = await ask(
      () => problem(401, 'who are you?'),
      () => json(200, {}),
    );
    expect((await uncredentialedFetch('ledger')).status).toBe(200);
    expect((await uncredentialedFetch('ledger')).status).toBe(200);
    expect(credentials()).toEqual(['omit', undefined, undefined]);
  });
});
