import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runInNewContext } from 'node:vm';
import type { Projection } from '@deepearth/core/items';
import { runStage } from '@deepearth/core/run-stage';
import type { StageDefinition } from '@deepearth/core/stage';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { kmeansStage } from './kmeans/kmeans-stage.ts';
import { pcaStage } from './pca/pca-stage.ts';
import { similarityStage } from './similarity/similarity-stage.ts';
import { umapStage } from './umap/umap-stage.ts';

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
const modules = Object.values(exports).flatMap(
  ({ '@deepearth/source': source }) => source?.slice('./src/'.length, -'.ts'.length) ?? [],
);

test.each(modules)('%s loads no cross-check library and no native module before it is asked to', async (name) => {
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
});

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

/** Made where it is called, so that a bundle holds it, too. */
async function reduced(stage: StageDefinition<any, any, any>, options: object, run: typeof runStage): Promise<string> {
  const axes = ['token', 'channels'];
  const items = [0, 1, 2].map((grid) => ({
    kind: 'tokens',
    id: `grid ${grid}`,
    key: String(grid).padStart(16, '0'),
    axes,
    values: {
      dtype: 'float32',
      shape: [40, 6],
      data: Float32Array.from({ length: 240 }, (_, at) => Math.fround(((at * 7919 + grid * 31) % 101) / 50)),
    },
    origin: { kind: 'text' },
    encoder: { name: 'made', fingerprint: '00' },
  }));
  const sizes = [40, 6];
  const spec = {
    kind: 'tokens',
    axes: axes.map((name, axis) => ({ name, size: sizes[axis]! })),
    dtype: 'float32' as const,
    count: 3,
  };
  const out: unknown[] = [];
  for await (const item of run(stage, { options, inputs: [{ items, spec }] })) {
    const { values, limits } = item as Projection;
    out.push(Array.from(values.data), limits);
  }
  return JSON.stringify(out);
}

test.each([
  ['pca', pcaStage, { components: 2 }],
  ['kmeans', kmeansStage, { clusters: 3 }],
  ['umap', umapStage, { epochs: 10, components: 2 }],
  ['similarity', similarityStage, { to: { clip: 1, at: { token: 3 } } }],
] as const)(
  'reducer/%s runs where there is nothing of Node, and makes what it makes here',
  async (name, stage, options) => {
    const { outputFiles } = await build({
      stdin: {
        contents: `
        import { runStage } from '@deepearth/core/run-stage';
        import { ${name}Stage } from './${name}/${name}-stage.ts';
        ${reduced.toString()}
        export const reduce = () => reduced(${name}Stage, ${JSON.stringify(options)}, runStage);`,
        resolveDir: fileURLToPath(new URL('.', import.meta.url)),
      },
      bundle: true,
      write: false,
      format: 'iife',
      globalName: 'bundle',
      platform: 'browser',
      conditions: ['@deepearth/source'],
      define: { 'import.meta.url': '"https://example.org/bundle.js"' },
      logLevel: 'silent',
    });
    // What a page has, but for Worker: the engine of UMAP does without.
    const { performance, MessageChannel, AbortController, TextEncoder, TextDecoder, WebAssembly, atob, navigator } =
      globalThis;
    const { setTimeout, clearTimeout, setInterval, clearInterval, structuredClone } = globalThis;
    const page = {
      ...{ performance, MessageChannel, AbortController, TextEncoder, TextDecoder, WebAssembly, atob, navigator },
      ...{ setTimeout, clearTimeout, setInterval, clearInterval, structuredClone },
    };
    const made = (await runInNewContext(`${outputFiles[0]!.text}; bundle.reduce()`, page)) as string;
    expect(made).toBe(await reduced(stage, options, runStage));
  },
);
