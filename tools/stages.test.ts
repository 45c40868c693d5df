import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { builtinStages } from '@deepearth/cli/registry';
import { expect, test } from 'vitest';

const packages = join(import.meta.dirname, '../packages');
const filesOf = (name: string): string[] =>
  readdirSync(join(packages, name, 'src'), { recursive: true, encoding: 'utf8' });
const read = (name: string, file: string): string => readFileSync(join(packages, name, 'src', file), 'utf8');

/** A line of a `stages.ts`: the stage type and the name its value is exported under. */
const listed = readdirSync(packages)
  .filter((name) => filesOf(name).includes('stages.ts') && name !== 'cli')
  .flatMap((name) =>
    [
      ...read(name, 'stages.ts').matchAll(
        /'([a-z]+\/[a-z0-9-]+)': async \(\) =>\s+\(await import\('\.\/([^']+)'\)\)\.(\w+)/g,
      ),
    ].map(([, type, file, exported]) => ({ name, type: type!, file: file!, exported: exported! })),
  );

test('the command line knows every stage that a package lists', () => {
  expect([...builtinStages().types].sort()).toEqual(listed.map(({ type }) => type).sort());
});

test.each(listed.map((stage) => [stage.type, stage] as const))(
  '%s keeps the laws of a stage: its test calls describeStage',
  (_, { name, exported }) => {
    const tests = filesOf(name)
      .filter((file) => file.endsWith('.test.ts'))
      .map((file) => read(name, file));
    expect(tests.some((text) => text.includes('describeStage(') && new RegExp(`\\b${exported}\\b`).test(text))).toBe(
      true,
    );
  },
);

test.each(listed.map((stage) => [stage.type, stage] as const))(
  '%s stands in a file of its own, and heavy modules are loaded on first use',
  (_, { name, file, type }) => {
    const text = read(name, file);
    // The name stands in the stage's file, or beside it in the definition that stage and command share.
    const folder = dirname(file);
    const beside = filesOf(name).filter((other) => dirname(other) === folder && other.endsWith('-reduction.ts'));
    const texts = [text, ...beside.map((other) => read(name, other))];
    expect(texts.some((content) => content.includes(`'${type.split('/')[1]}'`))).toBe(true);
    const imports = [...text.matchAll(/^import (?!type )[^;]*from '([^']+)'/gm)].map(([, from]) => from!);
    expect(
      imports.filter((from) =>
        /^(onnxruntime|sharp|umap-js|ml-|gifenc|@huggingface|h5wasm|geotiff|zarrita)/.test(from),
      ),
    ).toEqual([]);
  },
);
