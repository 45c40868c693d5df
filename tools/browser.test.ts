// What runs in a browser: every entry of the packages that need nothing of Node, but for those that are named here.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type BuildResult } from 'esbuild';
import { chromium } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
// @ts-expect-error A tool is plain JavaScript.
import { chromiumPath, withoutChromium } from './chromium.mjs';

const packages = join(import.meta.dirname, '../packages');
const names = ['core', 'formats', 'windowers', 'aggregators', 'reducers', 'renderers'];

/** Entries that cannot be without Node, and why. */
const onlyInNode: Readonly<Record<string, string>> = {
  '@deepearth/core/worker-server': 'serves within a thread of Node',
  '@deepearth/formats/write-file-node': 'writes files',
  '@deepearth/reducers/model-file-node': 'reads and writes files of models',
  '@deepearth/reducers/reduce': 'reduces files of tokens to files',
  '@deepearth/reducers/reduce-parts': 'fits files of tokens on several machines',
};

/**
 * Entries that load sharp when they bring the first picture to another size; a page that does not never asks for it.
 */
const scaling = ['', '/contact-sheet', '/panels', '/stages', '/overlay', '/side-by-side', '/stacked'].map(
  (subpath) => `@deepearth/renderers${subpath}`,
);

interface Manifest {
  readonly exports: Readonly<Record<string, { readonly '@deepearth/source'?: string }>>;
}

const entries = names.flatMap((name) => {
  const { exports } = JSON.parse(readFileSync(join(packages, name, 'package.json'), 'utf8')) as Manifest;
  return Object.entries(exports).flatMap(([subpath, { '@deepearth/source': source }]) =>
    source ? [{ entry: join(`@deepearth/${name}`, subpath), file: join(packages, name, source) }] : [],
  );
});
const inBrowsers = entries.filter(({ entry }) => !(entry in onlyInNode));

/** `entry` as the name of a file. */
const outputOf = (entry: string): string => entry.slice(1);

const bundled = (): Promise<BuildResult<{ metafile: true; write: false }>> =>
  build({
    entryPoints: entries.map(({ entry, file }) => ({ in: file, out: outputOf(entry) })),
    absWorkingDir: packages,
    outdir: 'out',
    bundle: true,
    splitting: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    conditions: ['@deepearth/source'],
    external: ['node:*', 'sharp', 'onnxruntime-node'],
    logLevel: 'silent',
  });

let bundle: BuildResult<{ metafile: true; write: false }>;
beforeAll(async () => {
  bundle = await bundled();
});

/** What is not in the bundle and the code of an entry imports: at once, or when it gets there. */
function missing(entry: string, way: 'at once' | 'later'): string[] {
  const reached = new Set<string>();
  const found = new Set<string>();
  const visit = (path: string): void => {
    if (reached.has(path)) return;
    reached.add(path);
    for (const { path: next, kind, external } of bundle.metafile.outputs[path]!.imports) {
      if (way === 'at once' && kind === 'dynamic-import') continue;
      if (external) found.add(next);
      else visit(next);
    }
  };
  visit(`out/${outputOf(entry)}.js`);
  return [...found].sort();
}

test('the packages have entries', () => {
  for (const name of names)
    expect(inBrowsers.filter(({ entry }) => entry.startsWith(`@deepearth/${name}`)).length, name).toBeGreaterThan(3);
});

test.each(inBrowsers)('$entry is bundled whole', ({ entry }) => {
  expect(missing(entry, 'at once')).toEqual([]);
  expect(missing(entry, 'later')).toEqual(scaling.includes(entry) ? ['sharp'] : []);
});

test.each(Object.entries(onlyInNode))('%s is not: it %s', (entry) => {
  expect(missing(entry, 'at once').join()).toMatch(/^node:/);
});

describe.skipIf(!chromiumPath)(`in Chromium${withoutChromium}`, () => {
  test('every entry is loaded without an error, with all its names', async () => {
    const files = new Map(bundle.outputFiles.map(({ path, text }) => [path.slice(join(packages, 'out').length), text]));
    const browser = await chromium.launch({ executablePath: chromiumPath as string, args: ['--no-sandbox'] });
    try {
      const page = await browser.newPage();
      const errors: string[] = [];
      page.on('pageerror', ({ message }) => errors.push(message));
      page.on('console', (line) => line.type() === 'error' && errors.push(line.text()));
      await page.route('**/*', (route) => {
        const { pathname } = new URL(route.request().url());
        if (pathname === '/') return route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>entries' });
        const body = files.get(pathname);
        return body === undefined ? route.abort() : route.fulfill({ contentType: 'text/javascript', body });
      });
      await page.goto('http://entries.test/');
      for (const { entry } of inBrowsers) {
        const path = `/${outputOf(entry)}.js`;
        // As text: the test runner would rewrite import().
        const names = await page
          .evaluate<string[]>(`import('${path}').then(Object.keys)`)
          .catch((error: unknown) => error);
        expect(names, entry).toEqual(bundle.metafile.outputs[`out${path}`]!.exports.sort());
      }
      expect(errors).toEqual([]);
    } finally {
      await browser.close();
    }
  });
});
