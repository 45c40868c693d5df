// Lists the measurements, or runs one: npm run bench [-- NAME [ARGUMENT …]]

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('.', import.meta.url));
const names = readdirSync(folder)
  .filter((name) => name.endsWith('.mjs') && name !== 'run.mjs')
  .map((name) => name.slice(0, -4));
const [name, ...rest] = process.argv.slice(2);

if (name === undefined) {
  for (const each of names) {
    const comment = readFileSync(`${folder}${each}.mjs`, 'utf8')
      .split('\n')
      .filter((line, index, lines) => lines.slice(0, index + 1).every((before) => before.startsWith('//')));
    const text = comment
      .map((line) => line.replace(/^\/\/ {0,1}/, '  '))
      .filter((line) => line.trim())
      .join('\n');
    console.log(`${each}${existsSync(`${folder}${each}.md`) ? ` (results: benchmarks/${each}.md)` : ''}\n${text}\n`);
  }
  console.log(
    'npm run bench -- NAME runs one; those that need no arguments are cli-start, decoding, drawing, memory and preprocess.',
  );
} else if (names.includes(name)) {
  process.exitCode = spawnSync(process.execPath, [`${folder}${name}.mjs`, ...rest], { stdio: 'inherit' }).status ?? 1;
} else {
  console.error(`there is no measurement ${JSON.stringify(name)}; there are ${names.join(', ')}.`);
  process.exitCode = 2;
}
