// URLs of the server's routes, and the detail of a problem response.

import { isRecord } from './message.ts';

/** Parameters of a request. Null omits one; a list repeats it. */
export type Query = Readonly<Record<string, string | number | readonly string[] | null>>;

/** The URL of a route with its query. `base` is the folder of the routes. */
export function buildUrl(name: string, query: Query = {}, base = ''): string {
  const pairs = Object.entries(query).flatMap(([key, value]) => {
    if (value === null) return [];
    const values = typeof value === 'object' ? value : [value];
    return values.map((each) => [key, String(each)]);
  });
  const text = new URLSearchParams(pairs).toString();
  return text === '' ? base + name : `${base}${name}?${text}`;
}

/** The folder at `url`, which may lack its final slash. */
export function toBaseUrl(url: string | URL): string {
  const base = new URL(url, globalThis.location?.href);
  base.search = base.hash = '';
  if (!base.pathname.endsWith('/')) base.pathname += '/';
  return base.href;
}

/** The `detail` of an `application/problem+json` response, else its `title`, else null. */
export async function readProblemDetail(response: Response): Promise<string | null> {
  try {
    const body: unknown = await response.json();
    if (!isRecord(body)) return null;
    const { detail, title } = body;
    if (typeof detail === 'string' && detail !== '') return detail;
    return typeof title === 'string' && title !== '' ? title : null;
  } catch {
    return null;
  }
}
