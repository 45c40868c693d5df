// Compiles the WebAssembly source and writes it, as base64, into src/blend-kernel.generated.ts: `node wasm/build.mjs
// [--check]`.
import { fileURLToPath } from 'node:url';
import { kernelModule, writeGenerated } from '../../../tools/wasm-kernel.mjs';

const here = new URL('./', import.meta.url);

export const generated = () => kernelModule(here, 'assembly/blend.ts');

if (process.argv[1] === fileURLToPath(import.meta.url))
  await writeGenerated(new URL('../src/blend-kernel.generated.ts', here), await generated());
