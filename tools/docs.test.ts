import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { builtinStages } from '@deepearth/cli/registry';
import { makeProgram } from '@deepearth/cli/program';
import { exitCodes } from '@deepearth/cli/exit-codes';
import { parseConfig } from '@deepearth/runtime';
import { expect, test } from 'vitest';
// @ts-expect-error A tool is plain JavaScript.
import { documents, embedded } from './embed-examples.mjs';
// @ts-expect-error A tool is plain JavaScript.
import { referenceFile, stageReference } from './stage-reference.mjs';

const root = join(import.meta.dirname, '..');
const readmes = readdirSync(join(root, 'packages'))
  .map((name) => `packages/${name}/README.md`)
  .filter((path) => existsSync(join(root, path)));
const all: string[] = [...(documents() as string[]), ...readmes];
const text = (document: string): string => readFileSync(join(root, document), 'utf8');

test('docs/stages.md is what the stages say of themselves (node tools/stage-reference.mjs)', async () => {
  expect(readFileSync(referenceFile as URL, 'utf8')).toBe(await stageReference());
});

test.each(documents() as string[])('%s shows its examples as they are (node tools/embed-examples.mjs)', (document) => {
  expect(text(document)).toBe(embedded(text(document)));
});

test.each(all)('every link of %s leads somewhere', (document) => {
  const links = [...text(document).matchAll(/\]\(([^)#\s]+)(#[^)]*)?\)/g)]
    .map(([, target]) => target!)
    .filter((target) => !/^[a-z]+:/.test(target));
  expect(links.filter((target) => !existsSync(join(root, dirname(document), target)))).toEqual([]);
});

test.each(all)('every command that %s shows exists', (document) => {
  const program = makeProgram();
  const known = ['help', ...program.commands.map((command) => command.name())];
  const shown = [...text(document).matchAll(/^ {4}(?:npx )?deepearth ([a-z]+)/gm)].map(([, name]) => name!);
  expect(shown.filter((name) => !known.includes(name))).toEqual([]);
});

test.each(all)('every pipeline in %s is valid', async (document) => {
  const blocks = [...text(document).matchAll(/```yaml\n([\s\S]*?)```/g)]
    .map(([, block]) => block!)
    .filter((block) => /^stages:/m.test(block));
  for (const block of blocks) {
    // Plugins in a document are names only; those of the examples are run by their own tests.
    if (/reducer\/novelty/.test(block)) continue;
    await parseConfig(block.replace(/^plugins:.*$/m, ''), document, { registry: builtinStages() });
  }
});

test('every error code of the guide is one that can be thrown', () => {
  const sources = readdirSync(join(root, 'packages'), { recursive: true, encoding: 'utf8' }).filter(
    (path) => /^[\w-]+\/src\/.*\.ts$/.test(path) && !path.endsWith('.test.ts'),
  );
  const code = sources.map((path) => readFileSync(join(root, 'packages', path), 'utf8')).join('\n');
  const named = [...text('docs/errors.md').matchAll(/`(E_[A-Z_]+)`/g)].map(([, name]) => name!);
  expect(named.filter((name) => !code.includes(`'${name}'`))).toEqual([]);
  const numbers = [...text('docs/errors.md').matchAll(/^\| ([\d, ]+) \|/gm)].flatMap(([, list]) =>
    list!.split(',').map(Number),
  );
  expect(numbers).toEqual(Object.values(exitCodes));
});
