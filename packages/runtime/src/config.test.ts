import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { loadConfig, parseConfig } from './config.ts';
import { ConfigError } from '@deepearth/core/errors';
import { plan } from '@deepearth/core/plan';
import { createRegistry } from '@deepearth/core/registry';
import { pipelineSchema } from './schema.ts';
import { toMermaid } from '@deepearth/core/mermaid';
import { spec } from '@deepearth/core/specs';
import { defineReducer, defineRenderer, defineSource, defineWindower, refuse } from '@deepearth/core/stage';

const frames = defineSource({
  type: 'frames',
  summary: 'Frames.',
  options: z.strictObject({
    directory: z.string().describe('folder'),
    count: z.int().min(1).default(32).describe('frames'),
  }),
  examples: [],
  describe: (_, { options }) => ({
    output: spec('frame', { height: 4, width: 4, channels: 3 }, 'uint8', options.count),
  }),
  async *process() {},
});
const sliding = defineWindower({
  type: 'sliding',
  summary: 'Windows.',
  options: z.strictObject({
    size: z.int().min(1).default(16).describe('frames'),
    stride: z.int().min(1).default(16).describe('frames'),
  }),
  examples: [],
  describe: (input, { options }) =>
    input?.kind === 'frame'
      ? { output: spec('clip', { time: options.size }, 'uint8', 2) }
      : refuse(`it needs frames, got ${input?.kind}`),
  async *process() {},
});
const fit = defineReducer({
  type: 'fit',
  summary: 'Fits.',
  options: z.strictObject({}),
  examples: [],
  describe: (input) => ({ output: input!, drains: true }),
  async *process() {},
});
const pass = defineReducer({
  type: 'pass',
  summary: 'Passes.',
  options: z.strictObject({}),
  examples: [],
  describe: (input) => ({ output: input! }),
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
const ahead = { ...beside, type: 'renderer/ahead' as const, readsAhead: true as const };

const registry = createRegistry({
  'source/frames': async () => frames as never,
  'windower/sliding': async () => sliding as never,
  'reducer/fit': async () => fit as never,
  'reducer/pass': async () => pass as never,
  'renderer/beside': async () => beside as never,
  'renderer/ahead': async () => ahead as never,
});

const load = (text: string, overrides: readonly string[] = [], env: Record<string, string> = {}) =>
  parseConfig(text, 'pipeline.yaml', { registry, overrides, env });
const problems = async (
  text: string,
  overrides: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<string[]> => {
  try {
    await plan((await load(text, overrides, env)).pipeline);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n');
    throw error;
  }
};

const good = `
name: demo
stages:
  - type: source/frames
    with: { directory: ./frames }
  - id: window
    type: windower/sliding
    with:
      size: 8
`;

describe('a pipeline file', () => {
  test('becomes a pipeline with ids, edges and defaults filled in', async () => {
    const { pipeline } = await load(good);
    expect(pipeline.stages.map(({ id, from, options }) => [id, from, options])).toEqual([
      ['frames', [], { directory: './frames', count: 32 }],
      ['window', ['frames'], { size: 8, stride: 16 }],
    ]);
  });

  test('takes values from the command line, typed as YAML', async () => {
    const { pipeline } = await load(good, ['frames.with.directory=/data/a=b', 'window.with.stride=4', 'name=other']);
    expect(pipeline.name).toBe('other');
    expect(pipeline.stages.map(({ options }) => options)).toEqual([
      { directory: '/data/a=b', count: 32 },
      { size: 8, stride: 4 },
    ]);
  });

  test('fills in variables after parsing, so that a value cannot change the structure', async () => {
    const text = 'stages:\n  - type: source/frames\n    with:\n      directory: "${DIR}"\n      count: ${COUNT:-7}\n';
    const evil = 'x }\n  - type: source/evil # ';
    expect((await load(text, [], { DIR: evil })).pipeline.stages[0]!.options).toEqual({ directory: evil, count: 7 });
    expect((await load(text, [], { DIR: '12', COUNT: '9' })).pipeline.stages[0]!.options).toEqual({
      directory: '12',
      count: 9,
    });
    expect((await load(text.replace('${DIR}', () => '$${DIR}'))).pipeline.stages[0]!.options).toMatchObject({
      directory: '${DIR}',
    });
    expect(await problems(text)).toEqual([
      'pipeline.yaml:4:18 the environment variable DIR is not set. Set it, or write ${DIR:-default}.',
    ]);
  });
});

describe('anchors', () => {
  const text = `
x-window: &window { size: 8, stride: 4 }
stages:
  - { type: source/frames, with: { directory: ./frames } }
  - { type: windower/sliding, with: *window }
  - id: more
    type: windower/sliding
    from: frames
    with: { <<: *window, size: 0 }
`;
  const options = async (...overrides: string[]) =>
    (await load(text.replace('size: 0', 'size: 2'), overrides)).pipeline.stages.map((stage) => stage.options).slice(1);

  test('stand under top-level x- keys, and `<<` merges what they hold', async () => {
    expect(await options()).toEqual([
      { size: 8, stride: 4 },
      { size: 2, stride: 4 },
    ]);
  });

  test('keep their values where --set changes one use', async () => {
    expect(await options('sliding.with.size=5')).toEqual([
      { size: 5, stride: 4 },
      { size: 2, stride: 4 },
    ]);
  });

  test('mistakes behind them are shown where they were written', async () => {
    expect(await problems(text)).toEqual(['pipeline.yaml:9:26 more.size: must be at least 1, got 0.']);
    expect(await problems(text.replace('stride: 4', 'stride: no').replace('size: 0', 'size: 1'))).toEqual([
      'pipeline.yaml:2:30 sliding.stride: must be a number, got "no".',
      'pipeline.yaml:2:30 more.stride: must be a number, got "no".',
    ]);
  });
});

test('a variable inside brackets is a variable', async () => {
  const text = 'stages: [{ type: source/frames, with: { directory: ${DIR:-a, b}, count: ${COUNT} } }]';
  expect((await load(text, [], { COUNT: '3' })).pipeline.stages[0]!.options).toEqual({ directory: 'a, b', count: 3 });
});

describe('one mistake is one error', () => {
  const stage = 'stages:\n  - type: source/frames\n    with: { directory: x }\n';
  const cases: [title: string, text: string, expected: string, overrides?: string[]][] = [
    [
      'tabs',
      'stages:\n\t- type: source/frames\n\t  with: { directory: x }\n',
      '2:1 this line is indented with a tab. YAML takes spaces alone.',
    ],
    [
      'an unclosed brace',
      stage.replace(' }', '') + '  - type: windower/sliding\n    with: { size: 8 }\n',
      '3:11 nothing closes this {. Put a } behind its content.',
    ],
    ['an unclosed quote', stage.replace('x }', '"x }'), '3:24 nothing closes this ". Put a " behind its content.'],
    [
      'a picture',
      '\u{fffd}PNG\r\n\x1a\n\0\0',
      '1:1 is no text: it holds the character "\ufffd". A pipeline file is YAML in UTF-8.',
    ],
    [
      'an option that is needed, under a name of its own',
      stage.replace('directory: x', 'path: x'),
      '3:13 frames.path: source/frames has no option "path". It needs directory, which is a text.',
    ],
    [
      'an option that is needed, mistyped',
      stage.replace('directory: x', 'direktory: x'),
      '3:13 frames.direktory: source/frames has no option "direktory". Did you mean directory?',
    ],
    ['a mistyped `type`', stage.replace('type', 'typ'), '2:5 stages.0.typ: there is no "typ" here. Did you mean type?'],
    [
      'text in another encoding',
      stage.replace('directory: x', 'directory: Z\u{fffd}rich'),
      '3:25 is no text: it holds the character "\ufffd". A pipeline file is YAML in UTF-8.',
    ],
    ...[
      ['3:2', 'stages:\n  - { type: source/frames }\n - { type: windower/sliding }\n'],
      ['3:5', 'stages:\n  - { type: source/frames }\n    - { type: windower/sliding }\n'],
      ['3:4', 'stages:\n  - id: a\n   type: source/frames\n'],
      ['3:7', 'stages:\n  - id: a\n      type: source/frames\n'],
      ['2:1', ' name: x\nstages: []\n'],
    ].map(([place, text]): [string, string, string] => [
      `a line that is indented in another way (${place})`,
      text!,
      `${place} this line is not indented like those that it belongs to. Entries of one list or map begin in one column, and what belongs to an entry further to the right.`,
    ]),
    [
      'a second colon',
      'stages:\n  - id: a: b\n',
      '2:9 a second ": " in one line. Put the value into quotes, or the inner entry on a line of its own.',
    ],
    ['no colon', 'stages\n  - id: a\n', '1:1 no ":" stands behind this. Entries of a map are written "key: value".'],
    [
      'a character that begins no value',
      stage.replace('{ directory: x }', '@x'),
      '3:11 no value begins with this character. Put the value into quotes.',
    ],
    [
      'text behind quotes',
      stage.replace('{ directory: x }', '"x" y'),
      '3:15 something stands here behind a value that has ended. Remove it, or put all of the value into quotes.',
    ],
    [
      'a path of Windows in double quotes',
      stage.replace('directory: x', 'directory: "C:\\data"'),
      "3:27 in double quotes a backslash stands for something else. Write \\\\ for one, or put the value into single quotes ('…').",
    ],
    [
      'a file among plugins that is named like a package',
      `plugins: [own.mjs]\n${stage}`,
      '1:11 plugins.0: no plugin package is called own.mjs. Write ./own.mjs for a file beside the pipeline file.',
    ],
    ['nothing', '# only a comment\n', '1:1 is empty. `deepearth init` writes one to start from.'],
    [
      'a second document',
      `${stage}---\nstages: []\n`,
      '5:1 a second YAML document begins here, and a pipeline file holds one. Remove the line `---` before it, or move it into a file of its own.',
    ],
    [
      'an alias of nothing',
      stage.replace('{ directory: x }', '*windw').replace('stages', 'x-a: &window { directory: x }\nstages'),
      '4:11 no anchor &windw stands before this. Did you mean *window?',
    ],
    [
      'a merge of a text',
      stage.replace('{ directory: x }', '{ <<: x }'),
      '3:13 `<<` merges a map, or a list of maps, and this is neither. Name an anchor: `<<: *defaults`.',
    ],
    [
      'a tag',
      stage.replace('{ directory: x }', '!!js/function "x"'),
      '3:11 the tag !!js/function means nothing here. Write the value without it.',
    ],
    [
      'an `onError` that is none',
      stage.replace('\n    with', '\n    onError: ignore\n    with'),
      '3:5 stages.0.onError: must be "fail", "skip" or a map, got "ignore".',
    ],
    [
      'an `onError` with a mistake inside',
      stage.replace('\n    with', '\n    onError: { retry: 0 }\n    with'),
      '3:16 stages.0.onError.retry: must be at least 1, got 0.',
    ],
    ['options in a list', stage.replace('{ directory: x }', '[x]'), '3:5 stages.0.with: must be a map, got ["x"].'],
    [
      'a number beyond all bounds',
      stage.replace('x }', 'x, count: 1e17 }'),
      '3:27 frames.count: must be a whole number at most 2^53, got 100000000000000000.',
    ],
    [
      'a --set whose value is left open',
      stage,
      '--set frames.with has a value that begins like a list or a map of YAML and is none (Flow map must end with a }). Close its brackets, or put it into quotes.',
      ['frames.with={directory: x'],
    ],
  ];
  test.each(cases)('%s', async (_, text, expected, overrides) => {
    expect(await problems(text, overrides)).toEqual([expected.replace(/^(?=\d)/, 'pipeline.yaml:')]);
  });
});

describe('everything wrong is named with its place', () => {
  const cases: [title: string, text: string, expected: string[], overrides?: string[]][] = [
    ['broken YAML', 'stages: [\n  - x', ['pipeline.yaml:1:9 nothing closes this [. Put a ] behind its content.']],
    [
      'a mistyped option',
      good.replace('size: 8', 'sise: 8'),
      ['pipeline.yaml:9:7 window.sise: windower/sliding has no option "sise". Did you mean size?'],
    ],
    [
      'a value out of range',
      good.replace('size: 8', 'size: 0'),
      ['pipeline.yaml:9:7 window.size: must be at least 1, got 0.'],
    ],
    [
      'a value of another type',
      good.replace('size: 8', 'size: many'),
      ['pipeline.yaml:9:7 window.size: must be a number, got "many".'],
    ],
    [
      'a missing option',
      good.replace('directory: ./frames', ''),
      ['pipeline.yaml:5:5 frames.directory: is missing; it is a text.'],
    ],
    [
      'a mistyped stage',
      good.replace('windower/sliding', 'windower/slidign'),
      ['pipeline.yaml:7:5 stages.1.type: there is no stage type "windower/slidign". Did you mean windower/sliding?'],
    ],
    [
      'a mistyped stage, and mistakes of others',
      `${good.replace('windower/sliding', 'windower/slidign')}  - type: windower/sliding\n    from: frame\n    with: { onError: skip }\n`,
      [
        'pipeline.yaml:7:5 stages.1.type: there is no stage type "windower/slidign". Did you mean windower/sliding?',
        expect.stringMatching(/there is no stage "frame"\. Did you mean frames\?/),
        expect.stringMatching(/has no option "onError"\. `onError` stands beside `with`, not in it\./),
      ],
    ],
    [
      'a mistyped key',
      good.replace('with:\n', 'wiht:\n'),
      ['pipeline.yaml:8:5 stages.1.wiht: there is no "wiht" here. Did you mean with?'],
    ],
    [
      'an edge to nowhere',
      `${good}    from: frame\n`,
      ['pipeline.yaml:10:5 window.from: there is no stage "frame". Did you mean frames?'],
    ],
    [
      'an edge from later',
      good.replace('- type: source/frames', '- type: reducer/pass\n    from: window\n  - type: source/frames'),
      ['pipeline.yaml:5:5 pass.from: "window" comes later. A stage takes from stages before it: move it up.'],
    ],
    [
      'two stages of one name',
      `${good}  - { id: window, type: reducer/pass }\n`,
      ['pipeline.yaml:10:7 window.id: two stages are called "window". Give one of them another id.'],
    ],
    [
      'a source with an input',
      `${good}  - { id: more, type: source/frames, from: window, with: { directory: x } }\n`,
      ['pipeline.yaml:10:38 more.from: source/frames is a source and takes nothing from another stage. Remove "from".'],
    ],
    [
      'an edge that cannot connect',
      `${good}  - { id: again, type: windower/sliding }\n`,
      ['pipeline.yaml:10:5 again: cannot take what window sends: it needs frames, got clip.'],
    ],
    [
      'a join that would wait for ever',
      `${good}  - { type: reducer/fit }\n  - { type: reducer/pass, from: window }\n  - { type: renderer/beside, from: [fit, pass] }\n`,
      [
        'pipeline.yaml:12:30 beside: fit sends nothing before all of window has come, pass sends at once: taking both in step would wait for ever. Use stages on both ways that need the whole stream first, or on neither.',
      ],
    ],
    [
      'a mistyped --set',
      good,
      ['--set frmaes.with.directory there is no stage "frmaes". Did you mean frames?'],
      ['frmaes.with.directory=x'],
    ],
    [
      'a --set without "with"',
      good,
      ['--set window.size a stage has id, type, with, from, onError, not "size". Did you mean window.with.size?'],
      ['window.size=3'],
    ],
    [
      'a wrong value from --set',
      good,
      ['--set window.with.size window.size: must be at least 1, got 0.'],
      ['window.with.size=0'],
    ],
    [
      'a plugin that is not there',
      `plugins: [./nothing.mjs]${good}`,
      [
        `pipeline.yaml:1:11 plugins.0: there is no plugin file ${join(process.cwd(), 'nothing.mjs')}. Paths of plugins are relative to the pipeline file.`,
      ],
    ],
    ['no stages', 'name: x\n', ['pipeline.yaml:1:1 stages: is missing; it is a list.']],
    [
      'a list',
      '- a\n',
      ['pipeline.yaml:1:1 a pipeline file is a map with "stages". `deepearth init` writes one to start from.'],
    ],
  ];
  test.each(cases)('%s', async (_, text, expected, overrides) => {
    expect(await problems(text, overrides)).toEqual(expected);
  });

  test('a join that reads ahead waits for nothing and is none', async () => {
    expect(
      await problems(
        `${good}  - { type: reducer/fit }\n  - { type: reducer/pass, from: window }\n  - { type: renderer/ahead, from: [fit, pass] }\n`,
      ),
    ).toEqual([]);
  });

  test('several at once, in the order of the file', async () => {
    expect(await problems(good.replace('size: 8', 'sise: 8\n      stride: 0').replace('directory', 'dir'))).toEqual([
      'pipeline.yaml:5:13 frames.dir: source/frames has no option "dir". It needs directory, which is a text.',
      'pipeline.yaml:9:7 window.sise: windower/sliding has no option "sise". Did you mean size?',
      'pipeline.yaml:10:7 window.stride: must be at least 1, got 0.',
    ]);
  });

  test('no text crashes the loader', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: fc.constantFrom(...'stages:\n -{}[]&*!|>"\'#%$a1,'.split('')), maxLength: 60 }),
        async (text) => {
          await load(text).catch((error: unknown) => expect(error).toBeInstanceOf(ConfigError));
        },
      ),
      { numRuns: 300 },
    );
  });

  test('an alias bomb is refused', async () => {
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghi'
      .split('')
      .map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[i]}`).join(',')}]`)
      .join('\n')}\n`;
    await expect(load(bomb)).rejects.toThrow(ConfigError);
  });
});

describe('plugins', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'plugin-test-'));
    await writeFile(
      join(folder, 'mine.mjs'),
      'export const mine = { kind: "reducer", type: "reducer/mine", summary: "Mine.", examples: [], options: { safeParse: (data) => ({ success: true, data }) }, describe: (input) => ({ output: input }), async *process() {} };',
    );
    await writeFile(join(folder, 'empty.mjs'), 'export const x = 1;');
    await writeFile(join(folder, 'broken.mjs'), 'export const x = ;');
    await writeFile(
      join(folder, 'pipeline.yaml'),
      `plugins: [./mine.mjs]${good}  - { type: reducer/mine, with: { any: thing } }\n`,
    );
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("bring stages of one's own, found beside the pipeline file", async () => {
    const { pipeline } = await loadConfig(join(folder, 'pipeline.yaml'), { registry });
    expect(pipeline.stages.at(-1)).toMatchObject({ id: 'mine', options: { any: 'thing' } });
  });

  test('that hold no stage or do not parse say so', async () => {
    const withPlugin = (name: string) =>
      parseConfig(`plugins: [./${name}]${good}`, join(folder, 'pipeline.yaml'), { registry });
    await expect(withPlugin('empty.mjs')).rejects.toThrow('exports no stage');
    await expect(withPlugin('broken.mjs')).rejects.toThrow('the plugin ./broken.mjs cannot be loaded');
    await expect(
      parseConfig(`plugins: [no-such-package-here]${good}`, join(folder, 'pipeline.yaml'), { registry }),
    ).rejects.toThrow('npm install no-such-package-here');
  });
});

describe('a plugin with the name of another stage', () => {
  let folder: string;
  const stage = (type: string, summary: string): string =>
    `export const it = { kind: "reducer", type: "${type}", summary: "${summary}", examples: [], options: { safeParse: (data) => ({ success: true, data }) }, describe: (input) => ({ output: input }), async *process() {} };`;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'plugin-test-'));
    await writeFile(join(folder, 'fit.mjs'), stage('reducer/fit', 'Mine.'));
    await writeFile(join(folder, 'one.mjs'), stage('reducer/own', 'One.'));
    await writeFile(join(folder, 'two.mjs'), `${stage('reducer/own', 'Two.')}`);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const loaded = (plugins: string, type: string) =>
    parseConfig(`plugins: ${plugins}${good}  - { type: ${type} }\n`, join(folder, 'pipeline.yaml'), { registry });

  test('is refused, with its place and what helps', async () => {
    await expect(loaded('[./fit.mjs]', 'reducer/fit')).rejects.toThrow(
      'pipeline.yaml:1:11 plugins.0: the plugin ./fit.mjs has a stage reducer/fit, as DeepEarth Streams has itself. Give it another name, or write { module: ./fit.mjs, override: true } to take it in place of the other.',
    );
    await expect(loaded('[./one.mjs, ./two.mjs]', 'reducer/own')).rejects.toThrow(
      'plugins.1: the plugin ./two.mjs has a stage reducer/own, as the plugin ./one.mjs has.',
    );
  });

  test('takes its place where it is told to', async () => {
    for (const [plugins, type, summary, plugin] of [
      ['[{ module: ./fit.mjs, override: true }]', 'reducer/fit', 'Mine.', './fit.mjs'],
      ['[./one.mjs, { module: ./two.mjs, override: true }]', 'reducer/own', 'Two.', './two.mjs'],
      ['[{ module: ./one.mjs }]', 'reducer/own', 'One.', './one.mjs'],
    ] as const) {
      const { pipeline } = await loaded(plugins, type);
      expect(pipeline.stages.at(-1)!.definition).toMatchObject({ type, summary, plugin });
    }
  });
});

describe('drawings and schemas', () => {
  test('a plan is drawn with what travels on each edge', async () => {
    expect(toMermaid(await plan((await load(good)).pipeline))).toBe(
      'flowchart LR\n  frames["frames<br/>source/frames"]\n  window["window<br/>windower/sliding"]\n  frames -->|"frame [height 4, width 4, channels 3] uint8 x 32"| window\n',
    );
  });

  test('the schema for editors names every stage and its options', async () => {
    const schema = JSON.stringify(await pipelineSchema(registry));
    for (const type of registry.types) expect(schema).toContain(`"const":"${type}"`);
    expect(schema).toContain('"stride"');
  });
});

test('the most memory of a run stands at the top of a file, in whole bytes', async () => {
  expect((await load(good)).maxMemoryBytes).toBeUndefined();
  expect((await load(`maxMemoryBytes: 8000000000\n${good.trimStart()}`)).maxMemoryBytes).toBe(8e9);
  expect(await problems(`maxMemoryBytes: 0\n${good.trimStart()}`)).toEqual([
    expect.stringMatching(/^pipeline.yaml:1:\d+ maxMemoryBytes: /),
  ]);
});
