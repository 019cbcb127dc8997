import { describe, expect, test } from 'vitest';
import { findOrigins, findOtherBase } from '../src/lab/protocol.ts';
import { Network } from '../src/lab/network.ts';

const LINK = '<http://localhost:8080/>; rel="alternate", <https://localhost:8443/>; rel="alternate"';
const PAGE = 'https://localhost:8443/?room=tea';
const HOPS: Record<string, string> = { [PAGE]: 'h2', 'http://localhost:8080/healthz': 'http/1.1' };

/** A server that sends this `Link` header with the page, and responds as `healthz` at its other origin. */
function server(link: string | null, healthz: () => Response) {
  const asked: string[] = [];
  const get = (input: RequestInfo | URL, init?: RequestInit) => {
    asked.push(`${init?.method} ${String(input)}`);
    if (init?.method !== 'HEAD') return Promise.resolve().then(healthz);
    return Promise.resolve(new Response(null, { headers: link === null ? {} : { Link: link } }));
  };
  return { get, asked };
}

const reach = (get: ReturnType<typeof server>['get'], hops = HOPS, page = PAGE) =>
  findOrigins(get, (address) => Promise.resolve(hops[address]), page);

describe('the server’s other origin', () => {
  test('is found if the server names it and the browser may use it', async () => {
    const { get, asked } = server(LINK, () => new Response('ok\n'));
    expect(await reach(get)).toEqual({
      own: 'h2',
      other: { version: 'http/1.1', base: 'http://localhost:8080/' },
    });
    expect(asked).toEqual(['HEAD https://localhost:8443/', 'GET http://localhost:8080/healthz']);
  });

  test.each([
    ['a server with one origin', null, () => new Response('ok\n'), HOPS],
    ['a page of another origin', LINK.replaceAll('localhost', 'chat'), () => new Response('ok\n'), HOPS],
    ['a browser that may not use it', LINK, () => Promise.reject(new TypeError('Failed')), HOPS],
    ['a refusal', LINK, () => new Response('', { status: 503 }), HOPS],
    ['the same protocol at both', LINK, () => new Response('ok\n'), { ...HOPS, [PAGE]: 'http/1.1' }],
  ])('is not found with %s', async (_, link, healthz, hops) => {
    const { get } = server(link, healthz as () => Response);
    expect((await reach(get, hops)).other).toBeNull();
  });

  test('is the other of the two URLs, whichever is the page’s own', () => {
    expect(findOtherBase(LINK, 'http://localhost:8080')).toBe('https://localhost:8443/');
    expect(findOtherBase(LINK, 'http://127.0.0.1:8080')).toBeNull();
    expect(findOtherBase('</style.css>; rel="preload"', 'http://localhost:8080')).toBeNull();
  });
});

describe('a lane’s network to the other origin', () => {
  test('sends polls and streams with cookies, shares no stream, and can be reset', async () => {
    const calls: [string, RequestInit | undefined][] = [];
    const fetch = (input: RequestInfo | URL, init?: RequestInit) => {
      calls.push([String(input), init]);
      return Promise.resolve(new Response());
    };
    const opened: [string, EventSourceInit | undefined][] = [];
    const open = (...given: [string, EventSourceInit?]) => {
      opened.push([given[0], given[1]]);
      return new EventTarget() as EventSource;
    };
    const network = new Network(45, fetch, open);
    expect(network.isShareable).toBe(true);
    network.setOrigin({ version: 'h2', base: 'https://localhost:8443/' });
    await network.fetch('poll?room=tea', { cache: 'no-store' });
    network.open('stream?room=tea');
    expect(calls[0]).toEqual([
      'https://localhost:8443/poll?room=tea',
      { credentials: 'include', cache: 'no-store' },
    ]);
    expect(opened[0]).toEqual(['https://localhost:8443/stream?room=tea', { withCredentials: true }]);
    expect([network.crossOriginVersion, network.isShareable]).toEqual(['h2', false]);
    network.setOrigin(null);
    await network.fetch('poll?room=tea');
    network.open('stream?room=tea');
    expect([calls[1]?.[0], opened[1]?.[0]]).toEqual(['poll?room=tea', 'stream?room=tea']);
    expect([network.crossOriginVersion, network.isShareable]).toEqual([undefined, true]);
  });
});
