// Bundles the UMAP engine for browsers: `node web/build.mjs [OUT]` writes OUT/umap.js, which starts OUT/worker.js
// beside it.
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const source = (name) => fileURLToPath(new URL(`../src/${name}`, import.meta.url));

/** Makes both files in a folder; returns what they would import (nothing). */
export async function buildWeb(outdir) {
  const { metafile } = await build({
    entryPoints: { umap: source('umap/umap.ts'), worker: source('umap/worker.ts') },
    outdir,
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    conditions: ['@deepearth/source'],
    minify: true,
    metafile: true,
    logLevel: 'warning',
  });
  return Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const outdir = process.argv[2] ?? fileURLToPath(new URL('../out/web/', import.meta.url));
  await buildWeb(outdir);
  console.log(`${outdir}: umap.js, worker.js`);
}
