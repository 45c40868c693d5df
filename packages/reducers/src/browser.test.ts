import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { expect, test } from 'vitest';

test.each([
  'pca/pca',
  'kmeans/kmeans',
  'random-projection/random-projection',
  'colours/limits',
  'colours/oklab',
  'models/model-file',
  'models/restore',
])('%s is bundled for a browser without anything of Node', async (name) => {
  const { outputFiles, errors } = await build({
    entryPoints: [fileURLToPath(new URL(`./${name}.ts`, import.meta.url))],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    conditions: ['@deepearth/source'],
    logLevel: 'silent',
    splitting: true,
    outdir: 'out',
  });
  expect(errors).toEqual([]);
  for (const { text } of outputFiles) expect(text).not.toMatch(/(from|import\()\s*["']node:/);
});
