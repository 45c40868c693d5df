// Compiles the WebAssembly sources and writes them, as base64, into src/umap/wasm.generated.ts: `node wasm/build.mjs
// [--check]`.
import { fileURLToPath } from 'node:url';
import { compileWasm, writeGenerated } from '../../../tools/wasm-kernel.mjs';

const here = new URL('./', import.meta.url);
const target = new URL('../src/umap/wasm.generated.ts', here);

/**
 * Same sources, two memories: one that threads share, one of a thread's own (ONNX Runtime writes only there).
 */
const kinds = {
  shared: ['--enable', 'threads', '--sharedMemory', '--maximumMemory', '65536'],
  plain: [],
};

const memory = ['--importMemory', '--memoryBase', '1024'];

export async function generated() {
  const lines = ['// Generated from wasm/assembly by wasm/build.mjs: do not edit.', ''];
  for (const [kind, flags] of Object.entries(kinds)) {
    const bytes = await compileWasm(here, 'assembly/index.ts', [...memory, ...flags]);
    lines.push(
      `/** ${bytes.length} bytes of WebAssembly. */`,
      `export const ${kind}Module =`,
      `  '${Buffer.from(bytes).toString('base64')}';`,
      '',
    );
  }
  return lines.join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeGenerated(target, await generated());
