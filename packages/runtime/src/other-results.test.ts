// A folder belongs to one pipeline: what another may do there.

import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  definePipeline,
  defineSink,
  defineSource,
  spec,
  use,
  type Artifact,
  type Item,
  type Pipeline,
  type RunEvent,
} from '@deepearth/core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { refuseOtherResults } from './other-results.ts';
import { mergeRuns } from './merge-runs.ts';
import { run } from './run.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'owner-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));
const out = (...parts: string[]): string => join(folder, 'out', ...parts);

const looked: string[] = [];
const source = defineSource({
  type: 'letters',
  summary: 'Sends letters.',
  options: z.strictObject({
    directory: z.string().default('photos'),
    letters: z.string().default('abc'),
    fail: z.boolean().default(false),
  }),
  reads: ['directory'],
  examples: [],
  survey: async ({ directory }) => void looked.push(directory),
  describe: (_, { options }) => ({ output: spec('letter', {}, null, options.letters.length) }),
  async *process(_, { options }) {
    if (options.fail) throw new Error('failed');
    for (const letter of options.letters) yield { kind: 'letter', id: letter, key: letter } as Item as never;
  },
});
const sink = defineSink({
  type: 'files',
  summary: 'Writes letters.',
  options: z.strictObject({ directory: z.string().default('letters') }),
  joins: 'merged',
  examples: [],
  describe: () => ({ output: spec('artifact', {}, null) }),
  each: (item, { output, options }): Promise<Artifact> =>
    output.write(
      { path: `${options.directory}/${item.id}.txt`, mediaType: 'text/plain', key: item.key },
      new TextEncoder().encode(item.id),
    ),
});

type Letters = { directory?: string; letters?: string; fail?: boolean };
const pipeline = (name: string, letters: Letters | Letters[] = {}, directory?: string): Pipeline => {
  const all = Array.isArray(letters) ? letters : [letters];
  return definePipeline(
    [
      ...all.map((options, index) => use(source, options, { id: `letters-${index}` })),
      use(sink, { ...(directory && { directory }) }, { from: all.map((_, index) => `letters-${index}`) }),
    ],
    { name },
  );
};
async function start(made: Pipeline, overwrite = false): Promise<RunEvent[]> {
  const running = run(made, { output: out(), overwrite });
  const events: RunEvent[] = [];
  running.events$.subscribe((event) => void events.push(event));
  await running.result;
  return events;
}
const other = { code: 'E_OTHER_PIPELINE' };

describe('results of another pipeline', () => {
  test.each<[string, Pipeline]>([
    ['of another name', pipeline('b')],
    ['whose source reads something else', pipeline('a', { directory: 'videos' })],
    [
      'whose sources share one input alone',
      pipeline('a', [{ directory: 'photos-2' }, { directory: 'x', letters: 'd' }]),
    ],
  ])('%s are refused with the counts before anything is read, and stay', async (_, second) => {
    await start(pipeline('a', [{}, { directory: 'photos-3', letters: 'xy' }]));
    looked.length = 0;
    await expect(refuseOtherResults(second, out())).rejects.toMatchObject(other);
    await expect(start(second)).rejects.toMatchObject({
      ...other,
      message: expect.stringContaining('5 files') as string,
    });
    expect(looked).toEqual([]);
    expect(await readdir(out('letters'))).toHaveLength(5);
  });

  test.each<[string, Pipeline, Pipeline]>([
    ['other options', pipeline('a'), pipeline('a', { letters: 'xyz' })],
    ['another spelling of its folder', pipeline('a'), pipeline('a', { directory: './photos/' })],
    ['a stage more', pipeline('a'), pipeline('a', {}, 'elsewhere')],
    ['an input more', pipeline('a'), pipeline('a', [{}, { directory: 'more', letters: 'z' }])],
    ['an input less', pipeline('a', [{}, { directory: 'more', letters: 'z' }]), pipeline('a')],
  ])('are not those of the same with %s', async (_, first, second) => {
    await start(first);
    await refuseOtherResults(second, out());
    await expect(start(second)).resolves.toBeDefined();
  });

  test('go where the run may overwrite, said with their number; files of nobody stay', async () => {
    await start(pipeline('a'));
    await writeFile(out('letters', 'mine.txt'), 'mine');
    const events = await start(pipeline('b', { letters: 'ax' }), true);
    expect(events).toContainEqual({ type: 'overwriting', pipeline: 'a', files: 3, bytes: 3 });
    expect(events.flatMap((event) => (event.type === 'removed' ? [event.path] : []))).toEqual([
      'letters/b.txt',
      'letters/c.txt',
    ]);
    expect((await readdir(out('letters'))).sort()).toEqual(['a.txt', 'mine.txt', 'x.txt']);
    await expect(start(pipeline('a'))).rejects.toMatchObject(other);
    await expect(start(pipeline('b'))).resolves.toBeDefined();
  });

  test('are known of a run that was killed, and of one that overwrote and was killed', async () => {
    await start(pipeline('a'));
    const manifest = await readFile(out('manifest.json'));
    // As a run leaves things when it is killed: its journal, without or with the manifest of the run before.
    const owner = (name: string): string =>
      `${JSON.stringify({ owner: { name, sources: [{ type: 'source/letters', with: { directory: 'photos' } }] } })}\n`;
    const { outputs } = JSON.parse(manifest.toString()) as { outputs: object[] };
    await rm(out('manifest.json'));
    await mkdir(out('.deepearth'));
    const journal = out('.deepearth', 'journal.jsonl');
    await writeFile(journal, owner('a') + outputs.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
    await expect(refuseOtherResults(pipeline('b'), out())).rejects.toMatchObject(other);
    await refuseOtherResults(pipeline('a'), out());
    await writeFile(out('manifest.json'), manifest);
    await appendFile(journal, owner('b'));
    await refuseOtherResults(pipeline('b'), out());
    await expect(refuseOtherResults(pipeline('a'), out())).rejects.toMatchObject(other);
  });

  test('are none where a run failed before it wrote a file', async () => {
    await expect(start(pipeline('a', { fail: true, directory: 'fotos' }))).rejects.toThrow('failed');
    await expect(start(pipeline('a', { directory: 'photos' }))).resolves.toBeDefined();
  });

  test('have to have a folder with a name', () => {
    expect(() => run(pipeline('a'), { output: ' ' })).toThrow('an output folder has no name');
  });

  test('leave no empty folder when their stage is gone', async () => {
    await start(pipeline('a', {}, 'deep/er/letters'));
    await start(pipeline('a', {}, 'deep/letters'));
    expect(await readdir(out('deep'))).toEqual(['letters']);
    await start(pipeline('a'));
    expect((await readdir(out())).sort()).toEqual(['letters', 'manifest.json']);
  });
});

describe('merging into a folder that is in use', () => {
  const part = async (name: string, letters: string, output: string): Promise<string> => {
    await run(pipeline(name, { letters }), { output }).result;
    return output;
  };

  test('replaces no file of nobody and no other pipeline, and keeps what is known there', async () => {
    const made = await part('a', 'ab', join(folder, 'part'));
    await mkdir(out('letters'), { recursive: true });
    await writeFile(out('letters', 'b.txt'), 'mine');
    await expect(mergeRuns([made], out())).rejects.toMatchObject({ code: 'E_NOT_OURS' });
    expect(await readFile(out('letters', 'b.txt'), 'utf8')).toBe('mine');
    await rm(out(), { recursive: true });

    await part('b', 'xyz', out());
    await expect(mergeRuns([made], out())).rejects.toMatchObject({ code: 'E_MERGE' });
    await rm(out(), { recursive: true });

    await part('a', 'bc', out());
    const { outputs, former } = await mergeRuns([made], out());
    expect(outputs.map(({ path }) => path)).toEqual(['letters/a.txt', 'letters/b.txt']);
    expect(former?.map(({ path }) => path)).toEqual(['letters/c.txt']);
  });
});
