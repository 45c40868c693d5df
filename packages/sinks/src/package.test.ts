import { appendFile, mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  definePipeline,
  defineSink,
  defineSource,
  memoryStore,
  sha256,
  spec,
  use,
  type Artifact,
} from '@deepearth/core';
import { run as runGraph } from '@deepearth/core/run';
import { run } from '@deepearth/runtime/run';
import { runStage } from '@deepearth/runtime/run-stage';
import { bytesSource } from '@deepearth/formats/bytes';
import { openZip } from '@deepearth/formats/zip';
import { describeStage, given, makeArtifacts } from '@deepearth/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { packageSink } from './package.ts';

describeStage(packageSink, {
  otherOptions: { contents: false, folder: 'laid', metadata: { campaign: 'north' } },
  inputs: async (folder) => [given(await makeArtifacts(4, folder))],
});

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'package-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function pack(
  order: (files: Artifact[]) => Artifact[] = (files) => files,
  before?: (output: string) => Promise<void>,
): Promise<{ bytes: Uint8Array; files: Artifact[] }> {
  const output = await mkdtemp(join(folder, 'run-'));
  const files = await makeArtifacts(3, output);
  await before?.(output);
  for await (const { path } of runStage(packageSink, { inputs: [given(order(files))], output }))
    return { files, bytes: new Uint8Array(await readFile(join(output, path))) };
  throw new Error('nothing was written');
}

describe('a package', () => {
  test('holds every file whole, in order of names, after texts about them', async () => {
    const { bytes, files } = await pack();
    const zip = await openZip(bytesSource(bytes));
    expect([...zip.entries.keys()]).toEqual([
      'README.txt',
      'contents.json',
      'manifest.json',
      'made/file-0.txt',
      'made/file-1.txt',
      'made/file-2.txt',
    ]);
    for (const { path, sha256: digest } of files) expect(sha256(await zip.entries.get(path)!.read())).toBe(digest);
    const contents = JSON.parse(new TextDecoder().decode(await zip.entries.get('contents.json')!.read())) as {
      files: unknown;
    };
    expect(contents.files).toEqual(
      files.map(({ path, bytes: size, sha256: digest, mediaType }) => ({
        path,
        bytes: size,
        sha256: digest,
        mediaType,
      })),
    );
  });

  test('is the same whatever the order in which files were finished', async () => {
    expect((await pack((files) => [...files].reverse())).bytes).toEqual((await pack()).bytes);
  });

  test('calls folders as it is told, leaves some out, says values, and lies in a folder too', async () => {
    const output = await mkdtemp(join(folder, 'run-'));
    const files = (await makeArtifacts(3, output)).map((file, i) => ({
      ...file,
      about: { kind: 'picture', frames: [4 + i, 9 - i] },
    }));
    const options = {
      places: { made: 'files' },
      folder: 'laid',
      contents: false,
      metadata: { range: '<first> to <last>', stride: 16 },
    };
    const paths: string[] = [];
    for await (const { path } of runStage(packageSink, { options, inputs: [given(files)], output })) paths.push(path);
    const names = ['metadata.json', 'files/file-0.txt', 'files/file-1.txt', 'files/file-2.txt'];
    expect(paths).toEqual([...names.map((name) => `laid/${name}`), 'package.zip']);
    const zip = await openZip(bytesSource(new Uint8Array(await readFile(join(output, 'package.zip')))));
    expect([...zip.entries.keys()]).toEqual(names);
    for (const name of names)
      expect(Buffer.from(await zip.entries.get(name)!.read())).toEqual(await readFile(join(output, 'laid', name)));
    expect(JSON.parse(await readFile(join(output, 'laid/metadata.json'), 'utf8'))).toEqual({
      range: '4 to 9',
      stride: 16,
    });
    // The files of the folder are the same on the disk, and take no room.
    for (const { path } of files)
      expect((await stat(join(output, path.replace('made/', 'laid/files/')))).ino).toBe(
        (await stat(join(output, path))).ino,
      );

    const without = await mkdtemp(join(folder, 'run-'));
    const left = await makeArtifacts(3, without);
    const least = { ...options, places: { made: false as const }, folder: undefined };
    for await (const { path } of runStage(packageSink, { options: least, inputs: [given(left)], output: without }))
      expect(path).toBe('package.zip');
    const small = await openZip(bytesSource(new Uint8Array(await readFile(join(without, 'package.zip')))));
    expect([...small.entries.keys()]).toEqual(['metadata.json']);
  });

  test('keeps the names of its files and gives its texts others where these meet', async () => {
    const output = await mkdtemp(join(folder, 'run-'));
    const [made] = await makeArtifacts(1, output);
    await rename(join(output, made!.path), join(output, 'readme.TXT'));
    const input = given([{ ...made!, path: 'readme.TXT', id: 'readme.TXT' }]);
    for await (const { path } of runStage(packageSink, { inputs: [input], output })) {
      const zip = await openZip(bytesSource(new Uint8Array(await readFile(join(output, path)))));
      expect([...zip.entries.keys()]).toEqual(['package-README.txt', 'contents.json', 'manifest.json', 'readme.TXT']);
      expect(sha256(await zip.entries.get('readme.TXT')!.read())).toBe(made!.sha256);
    }
  });

  test('refuses a file that is no longer what was written', async () => {
    await expect(pack(undefined, (output) => appendFile(join(output, 'made/file-1.txt'), 'more'))).rejects.toThrow(
      /file-1\.txt/,
    );
  });
});

test('of nothing is not written, with a warning', async () => {
  const warnings: string[] = [];
  const found: Artifact[] = [];
  const items = runStage(packageSink, {
    inputs: [{ items: [], spec: { kind: 'artifact', axes: [], dtype: null, count: 0 } }],
    onEvent: (event) => void (event.type === 'warning' && warnings.push(event.message)),
  });
  for await (const artifact of items) found.push(artifact);
  expect([found, warnings]).toEqual([[], ['no file came in, so no package is written']]);
});

describe('a run that resumes a finished one', () => {
  const textFiles = defineSink({
    type: 'texts',
    summary: 'Writes texts.',
    options: z.strictObject({}),
    examples: [],
    describe: () => ({ output: { ...spec('artifact', {}, null), bytes: 10 } }),
    each: (item, { output }): Promise<Artifact> =>
      output.write(
        { path: `texts/${item.id}.txt`, mediaType: 'text/plain', key: item.key },
        new TextEncoder().encode(item.key),
      ),
  });
  const texts = defineSource({
    type: 'texts',
    summary: 'Sends texts.',
    options: z.strictObject({ count: z.int().default(3) }),
    examples: [],
    describe: () => ({ output: spec('text', {}, null) }),
    async *process(_, { options }) {
      for (let i = 0; i < options.count; i++) yield { kind: 'text', id: `text-${i}`, key: `key ${i}` } as never;
    },
  });
  const start = (output: string, resume: boolean, count = 3) =>
    run(definePipeline([use(texts, { count }, { id: 'source' }), use(textFiles, {}), use(packageSink, {})]), {
      output,
      resume,
    }).result;
  const place = async (output: string) => {
    const path = join(output, 'package.zip');
    return { inode: (await stat(path)).ino, digest: sha256(new Uint8Array(await readFile(path))) };
  };

  test('lays the same files into a folder of a store without links', async () => {
    const pipeline = definePipeline([
      use(texts, {}, { id: 'source' }),
      use(textFiles, {}),
      use(packageSink, { folder: 'laid', contents: false }),
    ]);
    const output = await mkdtemp(join(folder, 'linked-'));
    const store = memoryStore();
    await runGraph(pipeline, { store }).result;
    const { outputs } = (await run(pipeline, { output }).result).manifest;
    expect(outputs.map(({ path }) => path)).toContain('laid/texts/text-2.txt');
    for (const { path, sha256: digest } of outputs) {
      const file = (await store.get(path))!;
      expect(sha256(await file.read(0, file.size))).toBe(digest);
      expect(sha256(new Uint8Array(await readFile(join(output, path))))).toBe(digest);
      await file.close();
    }
    // And once more, over its own links.
    expect((await run(pipeline, { output, resume: true }).result).manifest.outputs).toEqual(outputs);
  });

  test('keeps the archive as it is, and writes it again where it differs or was changed', async () => {
    const output = await mkdtemp(join(folder, 'resumed-'));
    await start(output, false);
    const first = await place(output);
    const { manifest } = await start(output, true);
    expect(await place(output)).toEqual(first);
    expect(manifest.outputs.map(({ path }) => path)).toContain('package.zip');

    await appendFile(join(output, 'package.zip'), 'x');
    await start(output, true);
    const mended = await place(output);
    expect(mended.digest).toBe(first.digest);

    await start(output, true, 2);
    expect((await place(output)).digest).not.toBe(first.digest);
    await start(output, false, 3);
    expect((await place(output)).digest).toBe(first.digest);
  });
});
