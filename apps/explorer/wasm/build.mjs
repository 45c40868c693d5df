// Compiles the WebAssembly source and writes it, as base64, into src/search/kernel.generated.ts: `node wasm/build.mjs
// [--check]`.
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const here = new URL('./', import.meta.url);
const target = new URL('../src/search/kernel.generated.ts', here);

async function compile() {
  let bytes;
  // No relaxed SIMD: its results depend on the machine.
  const { error, stderr } = await asc.main(
    [
      'assembly/search.ts',
      '--outFile',
      'out.wasm',
      '-O3',
      '--noAssert',
      '--runtime',
      'stub',
      '--enable',
      'simd',
      '--memoryBase',
      '0',
    ],
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
  const bytes = await compile();
  return `// Generated from wasm/assembly by wasm/build.mjs: do not edit.\n\n/** ${bytes.length} bytes of WebAssembly. */\nexport const kernel =\n  '${Buffer.from(bytes).toString('base64')}';\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = await generated();
  if (process.argv.includes('--check')) {
    if ((await readFile(target, 'utf8')) !== text)
      throw new Error(`${fileURLToPath(target)} is not what the source makes; run node wasm/build.mjs`);
  } else {
    await writeFile(target, text);
  }
}
