import { afterEach, expect, test, vi } from 'vitest';
import type { DiagramRow } from '../src/lab/diagram/rows.ts';
import { Arrow } from '../src/views/diagram/arrow.ts';

afterEach(() => vi.unstubAllGlobals());

/** Stands in for an SVG element. */
function createElement() {
  const attributes: Record<string, string> = {};
  return {
    attributes,
    textContent: '',
    dataset: {},
    classList: { toggle: () => {} },
    style: { setProperty: () => {} },
    setAttribute: (name: string, value: string) => void (attributes[name] = value),
    append: () => {},
    prepend: () => {},
  };
}

test('a label whose number has become too long is removed, as the former number would be wrong', () => {
  const texts: ReturnType<typeof createElement>[] = [];
  const createElementNS = (_: string, name: string) => {
    const element = createElement();
    if (name === 'text') texts.push(element);
    return element;
  };
  vi.stubGlobal('document', { createElementNS });
  const row: DiagramRow = {
    style: 'messages',
    transport: 'poll',
    from_ms: 0,
    to_ms: 0,
    times_ms: [0],
    count: 1,
    browser_px: 0,
    server_px: 0,
    bytes: 0,
    messages: 9,
    wait_ms: 0,
    single: null,
  };
  const arrow = new Arrow(row, {
    lifelines: { browser: 0, server: 90 },
    px_per_ms: 1,
    text_px: 10,
    measure: (text) => 10 * text.length,
    labelSpace_px: 100,
    waitSpace_px: 100,
  });
  const paper = arrow.paper as unknown as ReturnType<typeof createElement>;
  expect(texts.map(({ textContent }) => textContent)).toEqual(['9 messages']);
  row.messages = 1_000;
  arrow.update();
  expect(texts.map(({ textContent }) => textContent)).toEqual(['']);
  expect(paper.attributes['width']).toBe('0.0');
});
