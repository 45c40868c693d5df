// Compiles the codecs to WebAssembly and writes them, as base64, into src/zarr/codec-kernel.generated.ts:
//   node wasm/build.mjs ZSTD
// ZSTD is a checkout of https://github.com/facebook/zstd at 2dddf09 (BSD). Needs clang and wasm-ld (Debian: clang,
// lld). The generated file names the compiler and holds a digest of what lies here.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = import.meta.dirname;
const target = join(here, '../src/zarr/codec-kernel.generated.ts');

/** The digest of those files of Zstandard's `lib` that are compiled, name by name. */
const zstdDigest = 'edba3ff3b6d46e634ea454b086f7f4933ad8bb256524e7a56d57c2a3d8735894';

/** The digest of all that is compiled; this script, which is part of it, names the version of Zstandard. */
export function sourceDigest() {
  const digest = createHash('sha256');
  for (const name of readdirSync(here, { recursive: true, encoding: 'utf8' }).sort())
    if (/\.(c|h|mjs)$/.test(name))
      digest.update(`${name.replaceAll('\\', '/')}\0`).update(readFileSync(join(here, name)));
  return digest.digest('hex');
}

function digestOfZstd(lib) {
  const digest = createHash('sha256');
  for (const folder of ['common', 'decompress'])
    for (const name of readdirSync(join(lib, folder)).sort())
      if (/\.[ch]$/.test(name)) digest.update(`${folder}/${name}\0`).update(readFileSync(join(lib, folder, name)));
  return digest.digest('hex');
}

const flags = [
  '--target=wasm32',
  '-O3',
  '-msimd128',
  '-mbulk-memory',
  '-nostdlib',
  '-ffreestanding',
  '-Ilibc',
  '-w',
  '-Wl,--no-entry',
  '-Wl,--export=__heap_base',
  '-Wl,-z,stack-size=262144',
  '-Wl,--strip-all',
];

function run(cwd, command, ...args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (error || status !== 0) throw new Error(`${command}: ${error?.message ?? stderr}`);
  return stdout;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [zstd] = process.argv.slice(2);
  if (!zstd) throw new Error('usage: node wasm/build.mjs ZSTD');
  const found = digestOfZstd(join(zstd, 'lib'));
  if (found !== zstdDigest) throw new Error(`${zstd} is not the version that is compiled here: its digest is ${found}`);
  const folder = mkdtempSync(join(tmpdir(), 'codecs-'));
  try {
    cpSync(here, folder, { recursive: true });
    cpSync(join(zstd, 'lib'), join(folder, 'lib'), { recursive: true });
    run(folder, 'clang', ...flags, 'codecs.c', '-o', 'codecs.wasm');
    const bytes = readFileSync(join(folder, 'codecs.wasm'));
    const compiler = run(folder, 'clang', '--version').split('\n')[0];
    const licence = readFileSync(join(zstd, 'LICENSE'), 'utf8').trim();
    const notice = licence
      .split('\n')
      .map((line) => ` * ${line}`.trimEnd())
      .join('\n');
    writeFileSync(
      target,
      `// Generated from wasm/ by wasm/build.mjs (${compiler}): do not edit.\n/*\n * It holds the decoder of Zstandard, under this licence:\n *\n${notice}\n */\n\n/** The digest of the sources. */\nexport const sources = '${sourceDigest()}';\n\n/** ${bytes.length} bytes of WebAssembly. */\nexport const kernel =\n  '${bytes.toString('base64')}';\n`,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}
