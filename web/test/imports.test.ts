// The layers of the page, and the imports allowed between them.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const SRC = fileURLToPath(new URL('../src', import.meta.url));

/** Each layer may import itself and the layers before it. */
const LAYERS = ['client', 'lab', 'i18n', 'views', 'main.ts'];

/** Imports of packages, which would have to be installed with `client/`. */
const OUTSIDE = /(?:from|import|import\()\s*['"]([^.'"][^'"]*)['"]/g;
const RELATIVE = /(?:from|import|import\()\s*['"](\.[^'"]+)['"]/g;

function sources(folder = SRC): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return sources(path);
    return name.endsWith('.ts') ? [relative(SRC, path)] : [];
  });
}

function specifiers(file: string, pattern: RegExp): string[] {
  return [...readFileSync(join(SRC, file), 'utf8').matchAll(pattern)].map(([, found = '']) => found);
}

function importsOf(file: string): string[] {
  return specifiers(file, RELATIVE)
    .filter((specifier) => specifier.endsWith('.ts'))
    .map((specifier) => normalize(join(dirname(file), specifier)));
}

const layerOf = (file: string) => LAYERS.indexOf(file.split('/')[0] ?? '');

/** The files of a cycle among the imports of `graph`; null if there is none. */
function circleIn(graph: ReadonlyMap<string, readonly string[]>): string[] | null {
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): string[] | null => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return null;
    for (const next of graph.get(file) ?? []) {
      const circle = visit(next, [...path, file]);
      if (circle !== null) return circle;
    }
    done.add(file);
    return null;
  };
  for (const file of graph.keys()) {
    const circle = visit(file, []);
    if (circle !== null) return circle;
  }
  return null;
}

test('finds a cycle', () => {
  const graph = new Map([
    ['a', ['b']],
    ['b', ['c']],
    ['c', ['b']],
  ]);
  expect(circleIn(graph)).toEqual(['b', 'c', 'b']);
});

test('every file belongs to a layer', () => {
  expect(sources().filter((file) => layerOf(file) === -1)).toEqual([]);
});

test('imports only go down the layers: main, views, i18n, lab, client', () => {
  const wrong = sources().flatMap((file) =>
    importsOf(file)
      .filter((target) => !target.startsWith('..') && layerOf(target) > layerOf(file))
      .map((target) => `${file} -> ${target}`),
  );
  expect(wrong).toEqual([]);
});

test('there are no circular imports', () => {
  expect(circleIn(new Map(sources().map((file) => [file, importsOf(file)])))).toBeNull();
});

test('the client imports no package', () => {
  const packages = sources()
    .filter((file) => file.startsWith('client/'))
    .flatMap((file) => specifiers(file, OUTSIDE).map((specifier) => `${file}: ${specifier}`));
  expect(packages).toEqual([]);
});
