import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from '@deepearth/core/errors';
import { createRegistry } from '@deepearth/core/registry';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseConfig } from './config.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plugins-test-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const body = 'describe() {}, options: { safeParse: (data) => ({ success: true, data }) }, async *process() {}';

test.each([
  ['throws an error', 'throw new Error("no luck")', 'plugins.0: the plugin ./NAME cannot be loaded: no luck.'],
  ['throws a fault', 'null.x', "cannot be loaded: Cannot read properties of null (reading 'x')."],
  ['throws an error without words', 'throw new RangeError()', 'cannot be loaded: RangeError.'],
  ['throws a text', 'throw "oh\\nno"', 'cannot be loaded: it throws "oh\\nno".'],
  ['throws nothing', 'throw undefined', 'cannot be loaded: it throws undefined.'],
  [
    'throws an object without prototype',
    'throw Object.create(null)',
    'cannot be loaded: it throws [Object: null prototype] {}.',
  ],
  ['is no JavaScript', 'export const = 1', 'cannot be loaded: '],
  [
    'imports what is not installed',
    'import "left-pad-of-nobody"',
    'Run "npm install left-pad-of-nobody" in its folder.',
  ],
  ['exports nothing', '', 'exports no stage.'],
  ['exports nonsense', 'export const a = null, b = 7, stages = "x"; export default () => 1', 'exports no stage.'],
  ['has an export that cannot be read', 'export { a } from "./self-NAME"; export default 1', 'cannot be loaded'],
  [
    'lists no functions',
    'export const stages = { "source/x": 5 }',
    'has at "source/x" of "stages" neither a stage nor',
  ],
  [
    'lists functions without types',
    'export const stages = [async () => 1]',
    'has at "0" of "stages" neither a stage nor',
  ],
  [
    'lists half a stage',
    'export const stages = [{ kind: "source", type: "source/x", describe() {} }]',
    'has no whole stage as stages.0: its `options` are no zod schema.',
  ],
  [
    'exports half a stage',
    'export const x = { kind: "source", type: "source/x", describe() {} }',
    'has no whole stage as x: its `options` are no zod schema.',
  ],
  [
    'exports a stage without a body',
    'export const x = { kind: "source", type: "source/x", describe() {}, options: { safeParse() {} } }',
    'has no whole stage as x: it has none of `process`, `each` and `operator`.',
  ],
  [
    'exports a stage of another kind',
    `export const x = { kind: "source", type: "sink/x", ${body} }`,
    'does not begin with its kind',
  ],
  [
    'lists a loader that throws',
    'export const stages = { "source/x": () => { throw new TypeError("gone") } }',
    'stages.0.type: the plugin ./NAME cannot load its stage source/x: gone.',
  ],
  [
    'lists a loader of nothing',
    'export const stages = { "source/x": async () => undefined }',
    'has no whole stage as source/x: it is undefined.',
  ],
])('a plugin that %s is named with its place, as a mistake of the pipeline', async (title, code, says) => {
  const name = `p${Math.abs([...title].reduce((sum, each) => (sum * 31 + each.charCodeAt(0)) | 0, 0))}.mjs`;
  await writeFile(join(folder, name), code.replaceAll('NAME', name));
  const error = await parseConfig(
    `plugins: [./${name}]\nstages: [{ type: source/x }]\n`,
    join(folder, 'pipeline.yaml'),
    {
      registry: createRegistry(),
    },
  ).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ConfigError);
  expect((error as Error).message).toMatch(/pipeline\.yaml:[12]:\d+ /);
  expect((error as Error).message).toContain(says.replaceAll('NAME', name));
});

test('stages may be listed themselves', async () => {
  await writeFile(
    join(folder, 'listed.mjs'),
    `export const stages = [{ kind: "source", type: "source/x", ${body} }, { kind: "source", type: "source/y", ${body} }];`,
  );
  const { pipeline } = await parseConfig(
    'plugins: [./listed.mjs]\nstages: [{ type: source/y }]\n',
    join(folder, 'pipeline.yaml'),
    { registry: createRegistry() },
  );
  expect(pipeline.stages.map(({ definition }) => definition.type)).toEqual(['source/y']);
});
