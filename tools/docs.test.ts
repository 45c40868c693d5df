import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { builtinStages } from '@deepearth/cli/registry';
import { makeProgram } from '@deepearth/cli/program';
import { exitCodes } from '@deepearth/cli/exit-codes';
import { parseConfig } from '@deepearth/runtime';
import { expect, test } from 'vitest';
// @ts-expect-error A tool is plain JavaScript.
import { documents, embedded, templateModule, templateSource } from './embed-examples.mjs';
// @ts-expect-error A tool is plain JavaScript.
import { referenceFile, stageReference } from './stage-reference.mjs';

const root = join(import.meta.dirname, '..');
const readmes = readdirSync(join(root, 'packages'))
  .map((name) => `packages/${name}/README.md`)
  .filter((path) => existsSync(join(root, path)));
const all: string[] = [...(documents() as string[]), 'SECURITY.md', 'examples/README.md', ...readmes];
const text = (document: string): string => readFileSync(join(root, document), 'utf8');

test('docs/stages.md is what the stages say of themselves (node tools/stage-reference.mjs)', async () => {
  expect(readFileSync(referenceFile as URL, 'utf8')).toBe(await stageReference());
});

test('the templates of `deepearth init` are the examples (node tools/embed-examples.mjs)', () => {
  expect(text(templateModule)).toBe(templateSource());
});

test.each(documents() as string[])('%s shows its examples as they are (node tools/embed-examples.mjs)', (document) => {
  expect(text(document)).toBe(embedded(text(document)));
});

test.each(all)('every link of %s leads somewhere', (document) => {
  // In code, what stands between brackets is no link.
  const prose = text(document).replace(/^```[\s\S]*?^```/gm, '');
  const links = [...prose.matchAll(/\]\(([^)#\s]+)(#[^)]*)?\)/g)]
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

/** The pipelines that a document shows: YAML blocks with a line `stages:`. */
const pipelinesOf = (document: string): string[] =>
  [...text(document).matchAll(/```yaml\n([\s\S]*?)```/g)]
    .map(([, block]) => block!)
    .filter((block) => /^stages:/m.test(block));

test('README, the guide to YAML and that to stages show pipelines', () => {
  const showing = all.filter((document) => pipelinesOf(document).length > 0);
  expect(showing).toEqual(expect.arrayContaining(['README.md', 'docs/writing-a-stage.md', 'docs/yaml.md']));
});

test.each(all.filter((document) => pipelinesOf(document).length > 0))(
  'every pipeline in %s is valid',
  async (document) => {
    for (const block of pipelinesOf(document)) {
      // Plugins in a document are names only; those of the examples are run by their own tests.
      const own = /reducer\/novelty/.test(block);
      const parsing = parseConfig(block.replace(/^plugins:.*$/m, ''), document, { registry: builtinStages() });
      if (own) await expect(parsing).rejects.toThrow(/there is no stage type "reducer\/novelty"/);
      else expect((await parsing).pipeline.stages).toHaveLength([...block.matchAll(/\btype: [a-z]+\//g)].length);
    }
  },
);

/** The error codes that the sources of all packages name outside of comments, and the files that name each. */
function codesOfSources(): Map<string, string[]> {
  const sources = readdirSync(join(root, 'packages'), { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter(
      (path) => /^[\w-]+\/src\/.*\.ts$/.test(path) && !/\.test\.ts$|\/testing\//.test(path.slice(path.indexOf('/'))),
    );
  const codes = new Map<string, string[]>();
  for (const path of sources) {
    const code = readFileSync(join(root, 'packages', path), 'utf8').replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
    for (const [, name] of code.matchAll(/'(E_[A-Z0-9_]+)'/g)) codes.set(name!, [...(codes.get(name!) ?? []), path]);
  }
  return codes;
}

test('docs/errors.md lists every error code that can be thrown, and no other', () => {
  const listed = [...text('docs/errors.md').matchAll(/^\| `(E_[A-Z0-9_]+)` \|/gm)].map(([, name]) => name!);
  expect(listed.length).toBeGreaterThan(50);
  expect(listed.filter((name, index) => listed.indexOf(name) !== index)).toEqual([]);
  expect([...listed].sort()).toEqual([...codesOfSources().keys()].sort());
});

test('every code of docs/errors.md has when it occurs and what to do', () => {
  const rows = [...text('docs/errors.md').matchAll(/^\| `E_[A-Z0-9_]+` \|(.*)$/gm)].map(([row, rest]) => ({
    row,
    cells: rest!.split('|').map((cell) => cell.trim()),
  }));
  expect(rows.filter(({ cells }) => cells.length !== 3 || !cells[0] || !cells[1]).map(({ row }) => row)).toEqual([]);
});

test('docs/errors.md lists the exit codes', () => {
  const numbers = [...text('docs/errors.md').matchAll(/^\| ([\d, ]+) \|/gm)].flatMap(([, list]) =>
    list!.split(',').map(Number),
  );
  expect(numbers).toEqual(Object.values(exitCodes));
});
