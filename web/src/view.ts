// Which view the page is in, as its address says.

export type View = 'one' | 'both';

/** In the address, `one` is what there is without a word. */
const WORDS: Record<string, View> = { one: 'one', 'side-by-side': 'both' };

/** Reads `?view=`; a view this page does not know is the plain one. */
export function viewFrom(search: string): View {
  return WORDS[new URLSearchParams(search).get('view') ?? 'one'] ?? 'one';
}

/** `page` with the view in it. */
export function withView(page: string, view: View): string {
  const address = new URL(page);
  if (view === 'one') address.searchParams.delete('view');
  else address.searchParams.set('view', 'side-by-side');
  return address.href;
}
