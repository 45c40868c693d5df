import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

const bundle = async (entry: string): Promise<{ imports: string[]; text: string }> => {
  const { metafile, outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(entry, import.meta.url))],
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    conditions: ['@deepearth/source'],
    logLevel: 'silent',
    // Left as imports, so that the test can say which there are.
    external: ['node:*', 'fs', 'path', 'zlib', 'crypto'],
  });
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports.map(({ path }) => path));
  return { imports, text: outputFiles[0]!.text };
};

describe('the main entry in a browser', () => {
  it('bundles without a single import of Node', async () => {
    const { imports } = await bundle('./index.ts');
    expect(imports).toEqual([]);
  });

  it('notices one where there is one', async () => {
    const { imports } = await bundle('./write-file-node.ts');
    expect(imports).toContain('node:fs/promises');
  });

  it('works without the process object and without Buffer', async () => {
    const { text } = await bundle('./index.ts');
    // The bundle runs as its own module whose `process` and `Buffer` are undefined, as in a browser.
    const names = [...text.matchAll(/export \{([^}]*)\};\s*$/g)]
      .at(-1)![1]!
      .split(',')
      .map((name) => name.trim().split(' as ')[0]!);
    const body = text.replace(/export \{[^}]*\};\s*$/, `return { ${names.join(', ')} };`);
    const run = new Function('globalThis', 'process', 'Buffer', body) as (
      ...args: unknown[]
    ) => typeof import('./index.ts');
    const formats = run({ ...globalThis, process: undefined }, undefined, undefined);
    const t = { dtype: 'float32' as const, shape: [2], data: Float32Array.of(1, 2) };
    const pt = await formats.encodePt({ t });
    const found = await formats.inspectFile(formats.blobSource(new Blob([pt as Uint8Array<ArrayBuffer>]), 'a.pt'), {
      digest: true,
    });
    expect(found.holds).toEqual({
      t: {
        tensor: true,
        dtype: 'float32',
        shape: [2],
        first: [1, 2],
        sha256: createHash('sha256').update(t.data).digest('hex'),
      },
    });
  });
});
