// What a remedy names is there: options, words they take, stages, commands with their flags, packages.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { makeProgram } from '@deepearth/cli/program';
import { builtinStages } from '@deepearth/cli/registry';
import { optionsSchema, pipelineSchema } from '@deepearth/runtime/schema';

const root = join(import.meta.dirname, '../packages');

interface Text {
  readonly where: string;
  /** Of a template; what is filled in stands as `\0`. */
  readonly text: string;
  readonly remedy: boolean;
}

/** The texts in an expression. */
function textsIn(node: ts.Node): string[] {
  if (ts.isStringLiteralLike(node)) return [node.text];
  if (!ts.isTemplateExpression(node)) return node.getChildren().flatMap(textsIn);
  const spans = node.templateSpans.map(({ literal }) => `\0${literal.text}`).join('');
  return [node.head.text + spans, ...node.templateSpans.flatMap(({ expression }) => textsIn(expression))];
}

function textsOf(path: string): Text[] {
  const file = ts.createSourceFile(path, readFileSync(join(root, path), 'utf8'), ts.ScriptTarget.Latest, true);
  const found: Text[] = [];
  const walk = (node: ts.Node): void => {
    const remedy = ts.isPropertyAssignment(node) && node.name.getText() === 'remedy';
    if (remedy) found.push(...textsIn(node.initializer).map((text) => ({ where: path, text, remedy })));
    else if (ts.isStringLiteralLike(node) || ts.isTemplateExpression(node))
      found.push(...textsIn(node).map((text) => ({ where: path, text, remedy })));
    if (!remedy) node.forEachChild(walk);
  };
  walk(file);
  return found;
}

// Code for tests makes stages of its own.
const sources = readdirSync(root)
  .filter((name) => name !== 'testing')
  .flatMap((name) =>
    (readdirSync(join(root, name, 'src'), { recursive: true }) as string[])
      .filter((file) => file.endsWith('.ts') && !/\.test\.|\.generated\.|(^|\/)testing\//.test(file))
      .map((file) => `${name}/src/${file}`),
  );
const texts = sources.flatMap(textsOf);
const remedies = texts.filter(({ remedy }) => remedy);

/** Every option name of a JSON Schema, with the schemas of its values. */
function optionsIn(schema: unknown, found = new Map<string, unknown[]>()): Map<string, unknown[]> {
  if (schema === null || typeof schema !== 'object') return found;
  const { properties } = schema as { properties?: Record<string, unknown> };
  if (!Array.isArray(schema) && properties)
    for (const [name, value] of Object.entries(properties)) found.set(name, [...(found.get(name) ?? []), value]);
  for (const value of Object.values(schema)) optionsIn(value, found);
  return found;
}

const registry = builtinStages();
const options = optionsIn(
  await Promise.all(registry.types.map(async (type) => optionsSchema(await registry.load(type)))),
);
for (const [name, values] of optionsIn(await pipelineSchema(registry)))
  options.set(name, [...(options.get(name) ?? []), ...values]);

/** Words that a schema lists, wherever in it. */
const wordsIn = (schema: unknown): string[] =>
  schema === null || typeof schema !== 'object'
    ? []
    : Object.entries(schema).flatMap(([key, value]) =>
        key === 'enum' && Array.isArray(value) ? value.filter((word) => typeof word === 'string') : wordsIn(value),
      );
const words = new Set([...options.values()].flatMap(wordsIn));

/** What stands in backticks and is not of the pipeline: YAML itself, and the contract of stages for their authors. */
const beside = new Set(['describe', '---', '<<: *defaults', 'interleaved: true', 'interleaved']);

/** The command that a line names, and how many words it took. */
function commandOf(line: readonly string[]): { command: Command; rest: readonly string[] } {
  let command: Command = makeProgram();
  let at = 0;
  for (; at < line.length; at++) {
    const next = command.commands.find((each) => each.name() === line[at]);
    if (!next) break;
    command = next;
  }
  return { command, rest: line.slice(at) };
}

const flagsOf = (command: Command): string[] => command.options.flatMap(({ long, short }) => [long ?? '', short ?? '']);
const allFlags = new Set(
  [
    ...(function* every(command: Command): Generator<Command> {
      yield command;
      for (const inner of command.commands) yield* every(inner);
    })(makeProgram()),
  ].flatMap(flagsOf),
);

test('there are remedies to check', () => {
  expect(remedies.length).toBeGreaterThan(150);
});

test('options in backticks are options of some stage, and their values are among those it takes', () => {
  const wrong = remedies.flatMap(({ where, text }) =>
    [...text.matchAll(/`([^`]+)`/g)]
      .map(([, quoted]) => quoted!)
      .filter(
        (quoted) =>
          !quoted.startsWith('deepearth ') && !quoted.includes('\0`') && quoted !== '\0' && !beside.has(quoted),
      )
      .filter((quoted) => !registry.has(quoted) && !quoted.startsWith('{') && !quoted.startsWith('--'))
      .filter((quoted) => {
        const [, name, value] = /^([\w-]+)(?:: (.*))?$/s.exec(quoted) ?? [];
        if (name === undefined) return true;
        if (value === undefined) return !options.has(name) && !words.has(name);
        const values = options.get(name);
        if (!values) return true;
        // A word has to be listed; numbers, lists and what is filled in are for the schema to check.
        return (
          /^[a-z-]+$/.test(value) &&
          !['true', 'false'].includes(value) &&
          !values.some((each) => wordsIn(each).includes(value))
        );
      })
      .map((quoted) => `${where}: ${quoted}`),
  );
  expect(wrong).toEqual([]);
});

test('stages that a text names are stages', () => {
  const wrong = texts.flatMap(({ where, text }) =>
    [
      ...text.matchAll(
        /(?<![\w/.@-])(?:source|transform|windower|encoder|aggregator|reducer|renderer|sink)\/[a-z][a-z0-9-]*/g,
      ),
    ]
      .map(([type]) => type)
      .filter((type) => !registry.has(type))
      .map((type) => `${where}: ${type}`),
  );
  expect(wrong).toEqual([]);
});

test('commands that a text names are commands, with the flags they have', () => {
  const wrong = texts.flatMap(({ where, text }) =>
    [...text.matchAll(/(?:`|"|: |See |what )deepearth ([a-z][^`"\n\0]*)/g)].flatMap(([, line]) => {
      const { command, rest } = commandOf(line!.trim().split(/[\s.,;]+/));
      const flags = rest.filter((word) => word.startsWith('-') && !flagsOf(command).includes(word));
      const help = rest[0] === 'help' && commandOf(rest.slice(1)).command.name() !== 'deepearth';
      return (command.name() === 'deepearth' && !help) || flags.length ? [`${where}: deepearth ${line}`] : [];
    }),
  );
  expect(wrong).toEqual([]);
  const unknown = remedies.flatMap(({ where, text }) =>
    [...text.matchAll(/(?<![\w-])--[a-z][a-z-]*/g)].flatMap(([flag]) =>
      allFlags.has(flag) ? [] : [`${where}: ${flag}`],
    ),
  );
  expect(unknown).toEqual([]);
});

test('packages that a text says to install are ours, or those that ours depend on', () => {
  const manifests = readdirSync(root).map(
    (name) =>
      JSON.parse(readFileSync(join(root, name, 'package.json'), 'utf8')) as Record<string, Record<string, string>>,
  );
  const known = new Set(
    manifests.flatMap(({ name, dependencies, peerDependencies, optionalDependencies }) => [
      name as unknown as string,
      ...[dependencies, peerDependencies, optionalDependencies].flatMap((list) => Object.keys(list ?? {})),
    ]),
  );
  const wrong = texts.flatMap(({ where, text }) =>
    [...text.matchAll(/npm (?:install|rebuild|i) ([^"`.,;\n\0]+)/g)].flatMap(([, named]) =>
      named!
        .trim()
        .split(/\s+/)
        .filter((name) => /^[@a-z]/.test(name) && !known.has(name))
        .map((name) => `${where}: ${name}`),
    ),
  );
  expect(wrong).toEqual([]);
});
