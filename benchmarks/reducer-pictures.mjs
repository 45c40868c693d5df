// Our reductions of real frames beside those of scikit-learn and umap-learn, as one picture: `node reducer-pictures.mjs
// TOKENS.npy FRAMES OUT.png [--python PYTHON]`. TOKENS.npy comes from `python umap-tokens.py FRAMES TOKENS.npy --clips
// 2`.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { reduceFile } from '@deepearth/reducers/reduce';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { python: { type: 'string', default: 'python3' } },
});
const [tokens, frames, out] = positionals;
const folder = mkdtempSync(join(tmpdir(), 'reducer-pictures-'));
try {
  const files = [];
  for (const method of ['pca', 'umap']) {
    files.push(join(folder, `${method}.npy`));
    await reduceFile({ tokens, with: method, output: files.at(-1) });
  }
  execFileSync(
    values.python,
    [fileURLToPath(new URL('reducer-pictures.py', import.meta.url)), tokens, ...files, frames, out],
    { stdio: 'inherit' },
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
