import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sha256, type Artifact } from '@deepearth/core';
import { runStage } from '@deepearth/runtime/run-stage';
import { bytesSource } from '@deepearth/formats/bytes';
import { openZip } from '@deepearth/formats/zip';
import { describeStage, given, makeArtifacts } from '@deepearth/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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

    const without = await mkdtemp(join(folder, 'run-'));
    const left = await makeArtifacts(3, without);
    const least = { ...options, places: { made: false as const }, folder: undefined };
    for await (const { path } of runStage(packageSink, { options: least, inputs: [given(left)], output: without }))
      expect(path).toBe('package.zip');
    const small = await openZip(bytesSource(new Uint8Array(await readFile(join(without, 'package.zip')))));
    expect([...small.entries.keys()]).toEqual(['metadata.json']);
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
