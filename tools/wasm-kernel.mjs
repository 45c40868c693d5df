// Compiles AssemblyScript into a module that holds WebAssembly as base64; each `wasm/build.mjs` says what of what.

import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

/**
 * The bytes of `source`, below the folder `here` (a URL). `flags` go after those of all kernels. No relaxed SIMD: its
 * results depend on the machine. Throws what the compiler says.
 */
export async function compileWasm(here, source, flags) {
  let bytes;
  const { error, stderr } = await asc.main(
    [source, '--outFile', 'out.wasm', '-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd', ...flags],
    {
      readFile: (name) => readFile(new URL(name, here), 'utf8').catch(() => null),
      writeFile: (name, contents) => void (name.endsWith('.wasm') && (bytes = contents)),
      listFiles: () => [],
    },
  );
  if (error) throw new Error(`${error.message}\n${stderr.toString()}`);
  return bytes;
}

/** The text of a module that holds one kernel. */
export async function kernelModule(here, source) {
  const bytes = await compileWasm(here, source, ['--memoryBase', '0']);
  return `// Generated from wasm/assembly by wasm/build.mjs: do not edit.\n\n/** ${bytes.length} bytes of WebAssembly. */\nexport const kernel =\n  '${Buffer.from(bytes).toString('base64')}';\n`;
}

/** Writes a text into `target` (a URL), or with --check on the command line throws where another stands there. */
export async function writeGenerated(target, text) {
  if (!process.argv.includes('--check')) return writeFile(target, text);
  if ((await readFile(target, 'utf8')) !== text)
    throw new Error(`${fileURLToPath(target)} is not what the source makes; run node wasm/build.mjs`);
}
