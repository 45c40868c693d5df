// Compiles the encoder to WebAssembly and writes it, as base64, into src/h264-kernel.generated.ts:
//   node wasm/build.mjs MINIH264 EMSCRIPTEN
// MINIH264 is a checkout of https://github.com/lieff/minih264 at b0baea7 (CC0), EMSCRIPTEN one of Emscripten 3.1.6 (MIT)
// or what its Debian package installs in /usr/share/emscripten. Needs clang and wasm-ld (Debian: clang, lld). The generated
// file names the compiler and holds a digest of what lies here.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = import.meta.dirname;
const target = join(here, '../src/h264-kernel.generated.ts');

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** What others wrote, by the place it has among theirs, with the digests of the versions that are compiled. */
const others = [
  ['minih264', 'minih264e.h', '661afe7802b4e1174e8389632f3ee437b903e036a9c91a7f035830947c6a7aae'],
  [
    'emscripten',
    'system/include/compat/emmintrin.h',
    '45bddf3a419dc619602961f970b1617267b215720ec206bcdabf81ad5753bbcb',
  ],
  [
    'emscripten',
    'system/include/compat/xmmintrin.h',
    'c94705f8711f64fa71fb18323f18333acb3842fe22a605aa564d0e50ec27ad97',
  ],
];

/** The digest of all that is compiled; this script, which is part of it, names what others wrote. */
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
  '-I.',
  '-Ilibc',
  // minih264's SSE2 code, through Emscripten's headers: four times as fast as its plain C, and the same bytes.
  '-D__x86_64__',
  '-D__SSE__',
  '-D__SSE2__',
  '-D__EMSCRIPTEN__',
  '-Wl,--no-entry',
  '-Wl,-z,stack-size=262144',
  '-Wl,--strip-all',
];

function run(cwd, command, ...args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (error || status !== 0) throw new Error(`${command}: ${error?.message ?? stderr}`);
  return stdout;
}

/** Puts what others wrote beside the rest; throws where it is another version. */
function gather(folder, roots) {
  for (const [root, path, digest] of others) {
    const bytes = readFileSync(join(roots[root], path));
    if (sha256(bytes) !== digest)
      throw new Error(`${join(roots[root], path)} is not the version that is compiled here`);
    // Colours say more in these pictures than in films: their quantizer is finer by three.
    const text = bytes.toString('utf8').replace(/^#define DQP_CHROMA .*$/m, '#define DQP_CHROMA -3');
    writeFileSync(join(folder, path.split('/').at(-1)), text);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [minih264, emscripten] = process.argv.slice(2);
  if (!emscripten) throw new Error('usage: node wasm/build.mjs MINIH264 EMSCRIPTEN');
  const folder = mkdtempSync(join(tmpdir(), 'h264-'));
  try {
    cpSync(here, folder, { recursive: true });
    gather(folder, { minih264, emscripten });
    run(folder, 'clang', ...flags, 'encoder.c', '-o', 'encoder.wasm');
    const bytes = readFileSync(join(folder, 'encoder.wasm'));
    const compiler = run(folder, 'clang', '--version').split('\n')[0];
    writeFileSync(
      target,
      `// Generated from wasm/ by wasm/build.mjs (${compiler}): do not edit.\n\n/** The digest of the sources. */\nexport const sources = '${sourceDigest()}';\n\n/** ${bytes.length} bytes of WebAssembly. */\nexport const kernel =\n  '${bytes.toString('base64')}';\n`,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}
