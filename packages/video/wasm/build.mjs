// Compiles the encoder to WebAssembly and writes it, as base64, into src/h264-kernel.generated.ts: `node wasm/build.mjs`.
// Needs clang and wasm-ld (Debian: clang, lld). The generated file names the compiler and holds a digest of the sources.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = import.meta.dirname;
const target = join(here, '../src/h264-kernel.generated.ts');

/** The digest of all that is compiled, this script included. */
export function sourceDigest() {
  const digest = createHash('sha256');
  for (const name of readdirSync(here, { recursive: true, encoding: 'utf8' }).sort())
    if (/\.(c|h|mjs)$/.test(name))
      digest.update(`${name.replaceAll('\\', '/')}\0`).update(readFileSync(join(here, name)));
  return digest.digest('hex');
}

const flags = [
  '--target=wasm32',
  '-O3',
  '-msimd128',
  '-mbulk-memory',
  '-nostdlib',
  '-ffreestanding',
  '-Wno-deprecated-declarations',
  '-Iminih264',
  '-Ilibc',
  // minih264's SSE2 code, through Emscripten's headers: four times as fast as its plain C, and the same bytes.
  '-Isimd',
  // Colours say more in these pictures than in films: their quantizer is finer by three.
  '-DDQP_CHROMA=-3',
  '-D__x86_64__',
  '-D__SSE__',
  '-D__SSE2__',
  '-D__EMSCRIPTEN__',
  '-Wl,--no-entry',
  '-Wl,-z,stack-size=262144',
  '-Wl,--strip-all',
];

function run(command, ...args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: here, encoding: 'utf8' });
  if (error || status !== 0) throw new Error(`${command}: ${error?.message ?? stderr}`);
  return stdout;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = mkdtempSync(join(tmpdir(), 'h264-'));
  try {
    const out = join(folder, 'encoder.wasm');
    run('clang', ...flags, 'encoder.c', '-o', out);
    const bytes = readFileSync(out);
    const compiler = run('clang', '--version').split('\n')[0];
    writeFileSync(
      target,
      `// Generated from wasm/ by wasm/build.mjs (${compiler}): do not edit.\n\n/** The digest of the sources. */\nexport const sources = '${sourceDigest()}';\n\n/** ${bytes.length} bytes of WebAssembly. */\nexport const kernel =\n  '${bytes.toString('base64')}';\n`,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}
