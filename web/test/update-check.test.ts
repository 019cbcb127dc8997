import { describe, expect, test } from 'vitest';
import { isNewerVersion } from '../src/lab/update-check.ts';
import { fakeFetch, networkDown } from './support.ts';

const OWN = 'http://127.0.0.1:8080/assets/index-abc.js';
const page = (script: string) => () => new Response(`<script src="./${script}"></script>`);

describe('a newer page', () => {
  test('is detected by another script', async () => {
    const asks = async (script: string) => isNewerVersion(OWN, './', fakeFetch(page(script)).fetch);
    expect(await asks('assets/index-abc.js')).toBe(false);
    expect(await asks('assets/index-def.js')).toBe(true);
  });

  test('is not reported without evidence', async () => {
    const { fetch: down } = fakeFetch(networkDown);
    expect(await isNewerVersion(OWN, './', down)).toBe(false);
    const { fetch: odd } = fakeFetch(() => new Response('built without the lab'));
    expect(await isNewerVersion(OWN, './', odd)).toBe(false);
    const { fetch: refused } = fakeFetch(() => new Response('assets/', { status: 502 }));
    expect(await isNewerVersion(OWN, './', refused)).toBe(false);
    const { fetch: unasked, calls } = fakeFetch(page('assets/index-def.js'));
    expect(await isNewerVersion('http://127.0.0.1:5173/src/views/page.ts', './', unasked)).toBe(false);
    expect(calls).toEqual([]);
  });
});
