import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { ConfigError, mostMistakes } from '@deepearth/core/errors';
import { plan } from '@deepearth/core/plan';
import { createRegistry } from '@deepearth/core/registry';
import { spec } from '@deepearth/core/specs';
import { defineRenderer, defineSource } from '@deepearth/core/stage';
import { parseConfig } from './config.ts';
import { mostMarks } from './parse-yaml.ts';
import { maskVariables, unmaskVariables } from './substitute.ts';

// What is done once too often for each part of these inputs takes hours: the limit of a test, far above what they need,
// finds it.
vi.setConfig({ testTimeout: 60_000 });

const frames = defineSource({
  type: 'frames',
  summary: 'Frames.',
  options: z.strictObject({ directory: z.string().describe('folder').optional() }),
  examples: [],
  describe: () => ({ output: spec('picture', { height: 4, width: 4, channels: 3 }, 'uint8', 2) }),
  async *process() {},
});
const beside = defineRenderer({
  type: 'beside',
  summary: 'Joins.',
  options: z.strictObject({}),
  examples: [],
  joins: 'separate',
  describe: (input) => ({ output: input! }),
  async *process() {},
});
const registry = createRegistry({
  'source/frames': async () => frames as never,
  'renderer/beside': async () => beside as never,
});

const load = (text: string, overrides: readonly string[] = [], env: Record<string, string> = {}) =>
  parseConfig(text, 'p.yaml', { registry, overrides, env });
const refused = async (text: string, overrides: readonly string[] = [], env: Record<string, string> = {}) => {
  const error: unknown = await load(text, overrides, env).then(
    () => undefined,
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(ConfigError);
  return error as ConfigError;
};
const times = (count: number, part: (i: number) => string, between = ''): string =>
  Array.from({ length: count }, (_, i) => part(i)).join(between);
const withOptions = (options: string): string => `stages:\n  - type: source/frames\n    with:\n${options}`;

describe('what costs too much is refused with its place', () => {
  test.each([
    ['a list in 500,000 others', `stages: ${'['.repeat(500_000)}`, /^p\.yaml:1:7\d a map or list inside 63 others/],
    ['a list in 500,000 others, with dashes', '- '.repeat(500_000), /^p\.yaml:1:128 a map or list inside/],
    ['maps in maps', `stages: ${'{a: '.repeat(5000)}`, /a map or list inside/],
    ['300,000 stages', `stages: [${times(300_000, () => '1', ', ')}]`, /^p\.yaml:1:\d+ up to here there are/],
    ['400,000 comments', '#\n'.repeat(400_000), /^p\.yaml:75001:1 up to here/],
    [
      'doubled 60 times',
      `${times(60, (i) => `x-${i + 1}: &a${i + 1} [*a${i}, *a${i}]\n`).replace('*a0, *a0', '1')}stages: *a60`,
      /aliases stand for, this holds more/,
    ],
    [
      'merged 60 times',
      `${times(60, (i) => `x-${i + 1}: &a${i + 1} {<<: [*a${i}, *a${i}]}\n`).replace('[*a0, *a0]', '{}')}stages: *a60`,
      /this holds more/,
    ],
    ['2,000 aliases', `x-a: &a 1\nstages: [${times(2000, () => '*a', ', ')}]`, /up to here there are 1000 aliases/],
    ['a list that is in itself', 'stages: &a [*a]', /^p\.yaml:1:13 \*a stands for a value that this lies in/],
    ['a map that is in itself', 'stages:\n  - &a\n    type: *a', /^p\.yaml:3:11 \*a stands for/],
    ['a file that is in itself', '&a\nstages: *a', /^p\.yaml:2:9 \*a stands for/],
    [
      'a map that merges itself',
      withOptions('      &a\n      <<: *a\n').replace('with:\n      &a', 'with: &a'),
      /\*a stands for/,
    ],
    ['an anchor behind its alias', 'x-a: &a [*b]\nx-b: &b 1\nstages: []', /no anchor &b stands before/],
    ['a key that is there twice', 'stages: []\nname: a\nstages: []', /^p\.yaml:3:1 the key "stages" is there twice/],
    ['a second document', 'stages: []\n---\na: 1\n'.repeat(50_000), /a second YAML document begins here/],
  ])('%s', async (_, text, message) => expect((await refused(text)).message).toMatch(message));

  test('1,001 stages, at the first that is too many', async () => {
    const text = `stages:\n${times(1001, () => '  - {type: source/frames}\n')}`;
    expect((await refused(text)).message).toBe(
      'p.yaml:1002:5 stages: a pipeline has at most 1000 stages, and this one has 1001.',
    );
    expect((await load(text.slice(0, text.lastIndexOf('  -')))).pipeline.stages.length).toBe(1000);
  });

  test('of 15,000 mistakes the first hundred are told', async () => {
    for (const text of [
      withOptions(times(15_000, (i) => `      key_${i}: 1\n`)),
      `${times(15_000, (i) => `key_${i}: 1\n`)}stages: []\n`,
      `stages:\n${times(1000, (i) => `  - {type: source/framez${i}}\n`)}`,
      `stages:\n  - {type: source/frames, id: stage}\n${times(999, (i) => `  - {type: renderer/beside, id: stage-${i}, from: stagf-${i}}\n`)}`,
      withOptions(`      directory: "${times(15_000, (i) => `\${UNKNOWN_${i}}`)}"\n`),
    ]) {
      const { issues, more, message } = await refused(text);
      expect([issues.length, more]).toEqual([mostMistakes, true]);
      expect(message).toMatch(/There are more mistakes; they are told when these are mended\.$/);
    }
  });

  test('names and values of any length are cut in what is said of them', async () => {
    const long = 'x'.repeat(500_000);
    for (const text of [
      `name: ${long}\nstages: []`,
      withOptions(`      ? "${long}"\n      : 1\n`),
      withOptions(`      directory: 0x${'f'.repeat(500_000)}\n`),
      `stages: [{type: "source/${long}"}]`,
      `stages: [{type: source/frames, id: "${long}"}]`,
      `stages: [{type: source/frames}, {type: renderer/beside, from: "${long}"}]`,
      `stages: [*${long}]`,
      `a: !${long} b`,
      withOptions(`      directory: \${${long}}\n`),
      withOptions(`      directory: \${A:?${long}}\n`),
    ])
      expect((await refused(text)).message.length).toBeLessThan(6000);
    for (const set of [
      `${long}=1`,
      `frames.${long}=1`,
      `frames.with.${'a.'.repeat(100_000)}b=1`,
      `frames.with.directory=[${long}`,
    ])
      expect((await refused('stages: [{type: source/frames}]', [set])).message.length).toBeLessThan(6000);
  });

  test('what `--set` brings is bounded like the file', async () => {
    for (const value of ['['.repeat(100_000), `[${'1,'.repeat(mostMarks)}]`, '[&a [*a]]', '{a: 1, a: 2}'])
      expect((await refused('stages: [{type: source/frames}]', [`frames.with.directory=${value}`])).message).toMatch(
        /^--set frames\.with\.directory has a value/,
      );
  });

  test('variables that come to very much', async () => {
    const text = withOptions(`      directory: ${'${A}'.repeat(100_000)}\n`);
    expect((await refused(text, [], { A: 'x'.repeat(1000) })).message).toMatch(/^p\.yaml:4:18 here with A the values/);
    // A value from outside is text, however much it looks like a list in lists.
    const { pipeline } = await load(withOptions('      directory: ${A}\n'), [], { A: '['.repeat(100_000) });
    expect(pipeline.stages[0]!.options).toEqual({ directory: '['.repeat(100_000) });
  });

  test('a graph with more ways through it than can be walked', async () => {
    const pair = (i: number): string =>
      `  - {id: a${i}, type: renderer/beside, from: [a${i - 1}, b${i - 1}]}\n  - {id: b${i}, type: renderer/beside, from: [b${i - 1}, a${i - 1}]}\n`;
    const { pipeline } = await load(
      `stages:\n  - {id: a0, type: source/frames}\n  - {id: b0, type: source/frames}\n${times(60, (i) => pair(i + 1))}`,
    );
    expect((await plan(pipeline)).stages.length).toBe(122);
  });
});

describe('variables', () => {
  const reference = /\$(\$\{)|\$\{([A-Za-z_][A-Za-z0-9_]*)(?:(:-|:\?)([^}]*))?\}/g;
  const texts = fc
    .array(fc.constantFrom('$', '{', '}', '${', '${A}', '${A:-', '${B:?', '$${', 'A', ':-', '\n', ',', '[', 'x'), {
      maxLength: 14,
    })
    .map((parts) => parts.join(''));

  test('are those that the notation says, and masking keeps every character in its place', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const expected = text.replace(reference, (variable) =>
          variable.includes('\n')
            ? variable
            : variable.replace(/[{}[\],]/g, (c) => '\ue000\ue001\ue002\ue003\ue004'['{}[],'.indexOf(c)]!),
        );
        expect(maskVariables(text)).toBe(expected);
        expect(unmaskVariables(maskVariables(text))).toBe(text);
      }),
      { numRuns: 2000 },
    );
  });

  test('that nothing ends are found as quickly as others', async () => {
    for (const part of ['${A:-', '${A', '$', '${A:?', '$${'])
      expect(unmaskVariables(maskVariables(part.repeat(150_000)))).toBe(part.repeat(150_000));
    const { pipeline } = await load(withOptions(`      directory: "${'${A:-'.repeat(150_000)}"\n`));
    expect(pipeline.stages[0]!.options).toEqual({ directory: '${A:-'.repeat(150_000) });
  });
});
