import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { expect, test } from 'vitest';

const bundled = (name: string, splitting: boolean) =>
  build({
    entryPoints: [fileURLToPath(new URL(`./${name}.ts`, import.meta.url))],
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'browser',
    conditions: ['@deepearth/source'],
    logLevel: 'silent',
    splitting,
    outdir: 'out',
  });

const { exports } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  exports: Record<string, { '@deepearth/source'?: string }>;
};
const onlyInNode = ['./reduce', './compare-files', './model-file-node'];
const modules = Object.entries(exports)
  .filter(([subpath, target]) => typeof target === 'object' && !onlyInNode.includes(subpath))
  .map(([, target]) => target['@deepearth/source']!.slice('./src/'.length, -'.ts'.length));

test.each(modules)('%s is bundled for a browser without anything of Node', async (name) => {
  const { outputFiles, errors } = await bundled(name, true);
  expect(errors).toEqual([]);
  for (const { text } of outputFiles) expect(text).not.toMatch(/(from|import\()\s*["']node:/);
});

test.each([...modules, 'run/reduce', 'compare/compare-files'])(
  '%s loads no cross-check library and no native module before it is asked to',
  async (name) => {
    const { metafile } = await build({
      entryPoints: [fileURLToPath(new URL(`./${name}.ts`, import.meta.url))],
      bundle: true,
      write: false,
      metafile: true,
      format: 'esm',
      platform: 'node',
      conditions: ['@deepearth/source'],
      external: ['umap-js', 'ml-pca', 'onnxruntime-node'],
      logLevel: 'silent',
      splitting: true,
      outdir: 'out',
    });
    const loaded = Object.values(metafile.outputs).flatMap(({ imports }) => imports);
    const heavy = loaded.filter(({ path }) => ['umap-js', 'ml-pca', 'onnxruntime-node'].includes(path));
    expect(heavy.filter(({ kind }) => kind !== 'dynamic-import')).toEqual([]);
  },
);

test('the stage of one method holds no other', async () => {
  const { metafile } = await bundled('pca/pca-stage', false);
  const inputs = Object.keys(metafile.inputs).join('\n');
  expect(inputs).toContain('pca/pieces.ts');
  const { metafile: split } = await bundled('pca/pca-stage', true);
  const entry = Object.entries(split.outputs).find(([, { entryPoint }]) => entryPoint?.endsWith('pca-stage.ts'))!;
  const reached = new Set<string>();
  const walk = (path: string): void => {
    if (reached.has(path)) return;
    reached.add(path);
    for (const { path: next, kind } of split.outputs[path]!.imports) if (kind === 'import-statement') walk(next);
  };
  walk(entry[0]);
  const held = [...reached].flatMap((path) => Object.keys(split.outputs[path]!.inputs)).join('\n');
  expect(held).not.toMatch(/src\/(umap|kmeans|random-projection)\//);
});
