// URLs of the server's routes, and what a refusal says: its reason, and when to ask again.

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

/** The status of a refusal because the client has asked too often. */
export const TOO_MANY_REQUESTS = 429;

/** The longest wait that a server can ask for, as timers have a maximum. */
const MAX_RETRY_AFTER_MS = 3_600_000;

/** How long the server asks to wait by `Retry-After`, in milliseconds; 0 if it does not say. */
export function readRetryAfter({ headers }: Response, now_ms: number = Date.now()): number {
  const text = headers.get('Retry-After')?.trim() ?? '';
  const wait_ms = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - now_ms;
  return wait_ms > 0 ? Math.min(wait_ms, MAX_RETRY_AFTER_MS) : 0;
}

/** The folder at `url`, which may lack its final slash. */
export function toBaseUrl(url: string | URL): string {
  const base = new URL(url, globalThis.location?.href);
  base.search = base.hash = '';
  if (!base.pathname.endsWith('/')) base.pathname += '/';
  return base.href;
}

/** An `application/problem+json` response; null for what it does not say. */
export interface Problem {
  /** Its `detail`, else its `title`. */
  detail: string | null;
  /** The parameter or field at fault. */
  field: string | null;
}

export async function readProblem(response: Response): Promise<Problem> {
  const body: unknown = await response.json().catch(() => null);
  const read = (name: string) => {
    const text = isRecord(body) ? body[name] : null;
    return typeof text === 'string' && text !== '' ? text : null;
  };
  return { detail: read('detail') ?? read('title'), field: read('field') };
}

export async function readProblemDetail(response: Response): Promise<string | null> {
  return (await readProblem(response)).detail;
}
