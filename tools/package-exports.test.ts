import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
// @ts-expect-error A tool is plain JavaScript.
import { outdatedPackages, packageExports, packageNames } from './package-exports.mjs';

const root = join(import.meta.dirname, '..');
type Exports = Record<string, string | Record<string, string>>;

test('every package exports its index, its stages and what others import from it (node tools/package-exports.mjs)', () => {
  expect([...(outdatedPackages() as Map<string, string>).keys()]).toEqual([]);
});

test('no export is a pattern, and every export has its source', () => {
  const all = packageExports() as Map<string, Exports>;
  expect([...all.keys()]).toEqual(packageNames());
  for (const [name, exports] of all) {
    expect(Object.keys(exports)).toContain('.');
    expect(Object.keys(exports).filter((subpath) => subpath.includes('*'))).toEqual([]);
    const sources = Object.values(exports).flatMap((entry) =>
      typeof entry === 'string' ? [] : [entry['@deepearth/source']!],
    );
    expect(sources.filter((path) => !existsSync(join(root, 'packages', name, path)))).toEqual([]);
  }
});

test.each(packageNames() as string[])('%s publishes no sources: what is packed is what its `files` name', (name) => {
  const { files } = JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8')) as {
    files: string[];
  };
  expect(files).toContain('dist');
  expect(files).not.toContain('src');
});
