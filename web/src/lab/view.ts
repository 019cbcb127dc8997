// Which view the page is in, as its address says.

export type View = 'one' | 'both';

/** In the address, `one` is what there is without a word. */
const WORDS: Record<string, View> = { one: 'one', 'side-by-side': 'both' };

/** Reads `?view=`; null for one that this page does not know. */
export function viewFrom(search: string): View | null {
  const given = new URLSearchParams(search).get('view') ?? 'one';
  return Object.hasOwn(WORDS, given) ? (WORDS[given] ?? null) : null;
}

/** `page` with the view in it. */
export function withView(page: string, view: View): string {
  const address = new URL(page);
  if (view === 'one') address.searchParams.delete('view');
  else address.searchParams.set('view', 'side-by-side');
  return address.href;
}
