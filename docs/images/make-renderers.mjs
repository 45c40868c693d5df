// Draws renderers.jpg, one picture of every renderer: node docs/images/make-renderers.mjs

import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const output = mkdtempSync(join(tmpdir(), 'renderers-'));
try {
  const command = join(here, '../../packages/cli/bin/deepearth.js');
  execFileSync(process.execPath, [command, 'run', join(here, 'renderers.yaml'), '--output', output], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const folder = join(output, 'pictures/renderers');
  copyFileSync(join(folder, readdirSync(folder).sort()[0]), join(here, 'renderers.jpg'));
} finally {
  rmSync(output, { recursive: true, force: true });
}
