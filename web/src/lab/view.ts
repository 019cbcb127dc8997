// Which view the page is in, as its address says.

export type View = 'one' | 'both' | 'three';

/** How many lanes each view has. */
export const LANE_COUNTS: Record<View, number> = { one: 1, both: 2, three: 3 };

/** In the address, `both` is what there is without a word. */
const WORDS: Record<string, View> = { one: 'one', 'side-by-side': 'both', three: 'three' };

/** Reads `?view=`; null for one that this page does not know. An address with the one lane's transport is of that. */
export function viewFrom(search: string): View | null {
  const query = new URLSearchParams(search);
  const given = query.get('view') ?? (query.has('transport') ? 'one' : 'side-by-side');
  return Object.hasOwn(WORDS, given) ? (WORDS[given] ?? null) : null;
}

/** `page` with the view in it. */
export function withView(page: string, view: View): string {
  const address = new URL(page);
  if (view !== 'both') address.searchParams.set('view', view);
  else if (address.searchParams.has('transport')) address.searchParams.set('view', 'side-by-side');
  else address.searchParams.delete('view');
  return address.href;
}
