// Compiles the WebAssembly sources and writes each, as base64, into src/NAME-kernel.generated.ts: `node wasm/build.mjs
// [--check]`.
import { fileURLToPath } from 'node:url';
import { kernelModule, writeGenerated } from '../../../tools/wasm-kernel.mjs';

const here = new URL('./', import.meta.url);

export const kernels = ['blend', 'enlarge'];

export const generated = (name) => kernelModule(here, `assembly/${name}.ts`);

if (process.argv[1] === fileURLToPath(import.meta.url))
  for (const name of kernels)
    await writeGenerated(new URL(`../src/${name}-kernel.generated.ts`, here), await generated(name));
