import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Metafile } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';

const { buildPage } = (await import(new URL('../build.mjs', import.meta.url).href)) as {
  buildPage: (folder: string) => Promise<Metafile>;
};

let root = '';
let folder = '';
let outputs: Map<string, Metafile['outputs'][string]>;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'page-'));
  folder = join(root, 'page');
  const metafile = await buildPage(folder);
  outputs = new Map(Object.entries(metafile.outputs).map(([path, output]) => [basename(path), output]));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** A file with all that it imports before it runs. */
function withImports(name: string, found = new Set<string>()): Set<string> {
  if (found.has(name)) return found;
  found.add(name);
  for (const { path, kind } of outputs.get(name)!.imports)
    if (kind === 'import-statement') withImports(basename(path), found);
  return found;
}

test('the first picture takes less than 300 kB, gzipped; what is used later comes later', async () => {
  const first = new Set(['index.html', 'app.css', ...withImports('app.js'), ...withImports('search-worker.js')]);
  let bytes = 0;
  for (const name of first) bytes += gzipSync(await readFile(join(folder, name))).length;
  expect(bytes).toBeLessThan(300_000);
  const sources = [...first].flatMap((name) => Object.keys(outputs.get(name)?.inputs ?? {}));
  for (const late of [
    'scatter-panel.tsx',
    'map-view.tsx',
    'land-110m.json',
    'labels-panel.tsx',
    'save.ts',
    'clusters.ts',
    'kmeans.ts',
  ])
    expect(sources.filter((source) => source.endsWith(`/${late}`))).toEqual([]);
});

test('the page names nothing of anywhere else, has no code of its own and the licences of others', async () => {
  const html = await readFile(join(folder, 'index.html'), 'utf8');
  expect(html).not.toMatch(/https?:\/\/|<script>|<style|\son\w+=/);
  expect(html).toContain("default-src 'none'");
  for (const name of await readdir(folder))
    if (name.endsWith('.js'))
      expect((await readFile(join(folder, name), 'utf8')).match(/https?:\/\/(?!www\.w3\.org)[\w.]+/g) ?? []).toEqual(
        [],
      );
  const licences = await readFile(join(folder, 'licences.txt'), 'utf8');
  const bundled = new Set(
    [...outputs.values()]
      .flatMap(({ inputs }) => Object.keys(inputs))
      .flatMap((source) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source)?.[1] ?? []),
  );
  expect(bundled.size).toBeGreaterThan(0);
  for (const name of bundled) expect(licences).toContain(`${name}\n`);
});
