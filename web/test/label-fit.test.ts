import { expect, test } from 'vitest';
import { fitLabel } from '../src/views/diagram/label-fit.ts';

/** Each character is 10 px wide. */
const fit = (texts: string[], width_px: number) => fitLabel(texts, width_px, ({ length }) => 10 * length);

test('a label that fits has the usual type', () => {
  expect(fit(['anything new?', 'new?'], 200)).toEqual({ text: 'anything new?', scale: 1 });
});

test('a label that almost fits has smaller type', () => {
  expect(fit(['anything new?', 'new?'], 117)).toEqual({ text: 'anything new?', scale: 0.9 });
});

test('if the type were too small, the text is shorter', () => {
  expect(fit(['anything new?', 'new?'], 100)).toEqual({ text: 'new?', scale: 1 });
});

test('if no text is short enough, the type is small', () => {
  expect(fit(['1 message'], 72)).toEqual({ text: '1 message', scale: 0.8 });
  expect(fit(['anything new?', 'new?'], 20)).toBeNull();
});
