// The page's view, and its parameter in the URL.

export type View = 'one' | 'both' | 'three';

export const LANE_COUNTS: Record<View, number> = { one: 1, both: 2, three: 3 };

/** By their values in the URL; `both` is the default. */
const VIEWS: Record<string, View> = { one: 'one', 'side-by-side': 'both', three: 'three' };

/** Reads `?view=`; null for an unknown value. Without it, `transport=` implies one lane. */
export function parseView(search: string): View | null {
  const query = new URLSearchParams(search);
  const given = query.get('view') ?? (query.has('transport') ? 'one' : 'side-by-side');
  return Object.hasOwn(VIEWS, given) ? (VIEWS[given] ?? null) : null;
}

/** The URL `page` with the view set. */
export function withView(page: string, view: View): string {
  const address = new URL(page);
  if (view !== 'both') address.searchParams.set('view', view);
  else if (address.searchParams.has('transport')) address.searchParams.set('view', 'side-by-side');
  else address.searchParams.delete('view');
  return address.href;
}
