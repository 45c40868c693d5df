import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const folder = join(import.meta.dirname, '../examples');
const table = readFileSync(join(folder, 'README.md'), 'utf8');
const rows = [...table.matchAll(/^\| \[([^\]]+)\]\(([^)]+)\) \| ([^|]+) \| `([^`]+)` \|$/gm)].map(
  ([, name, target, shows, command]) => ({ name: name!, target: target!, shows: shows!, command: command! }),
);

/** An example is a pipeline or a program at the top, or a folder other than that of what the tests share. */
const examples = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() || /\.(yaml|mjs|py)$/.test(entry.name))
  .map(({ name }) => name)
  .filter((name) => !['test-results', 'testing'].includes(name) && !name.endsWith('-output'));

test('examples/README.md lists every example once, each with a line and a command', () => {
  expect(rows.map(({ name }) => name).sort()).toEqual(examples.sort());
});

test.each(rows.map((row) => [row.name, row] as const))('%s is where its row says', (_, { target, name, command }) => {
  expect(existsSync(join(folder, target))).toBe(true);
  expect(target.startsWith(name)).toBe(true);
  expect(command === 'npm run demo' || command.includes(`examples/${target}`)).toBe(true);
});
