// Compiles the WebAssembly sources and writes them, as base64, into src/umap/wasm.generated.ts: `node wasm/build.mjs
// [--check]`.
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const here = new URL('./', import.meta.url);
const target = new URL('../src/umap/wasm.generated.ts', here);

/**
 * Same sources, two memories: one that threads share, one of a thread's own (ONNX Runtime writes only there). No
 * relaxed SIMD: its results depend on the machine.
 */
const kinds = {
  shared: ['--enable', 'threads', '--sharedMemory', '--maximumMemory', '65536'],
  plain: [],
};

async function compile(flags) {
  let bytes;
  const { error, stderr } = await asc.main(
    [
      'assembly/index.ts',
      '--outFile',
      'out.wasm',
      '-O3',
      '--noAssert',
      '--runtime',
      'stub',
      '--enable',
      'simd',
      '--importMemory',
      '--memoryBase',
      '1024',
      '--noExportMemory',
      ...flags,
    ].filter((flag) => flag !== '--noExportMemory'),
    {
      readFile: (name) => readFile(new URL(name, here), 'utf8').catch(() => null),
      writeFile: (name, contents) => void (name.endsWith('.wasm') && (bytes = contents)),
      listFiles: () => [],
    },
  );
  if (error) throw new Error(`${error.message}\n${stderr.toString()}`);
  return bytes;
}

export async function generated() {
  const lines = ['// Generated from wasm/assembly by wasm/build.mjs: do not edit.', ''];
  for (const [kind, flags] of Object.entries(kinds)) {
    const bytes = await compile(flags);
    lines.push(
      `/** ${bytes.length} bytes of WebAssembly. */`,
      `export const ${kind}Module =`,
      `  '${Buffer.from(bytes).toString('base64')}';`,
      '',
    );
  }
  return lines.join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = await generated();
  if (process.argv.includes('--check')) {
    if ((await readFile(target, 'utf8')) !== text)
      throw new Error(`${fileURLToPath(target)} is not what the sources make; run node wasm/build.mjs`);
  } else {
    await writeFile(target, text);
  }
}
