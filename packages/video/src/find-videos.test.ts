import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findVideos } from './find-videos.ts';

let folder: string;
const files = ['clip10.mp4', 'clip2.mp4', 'notes.txt', '.hidden.mp4', 'B/one.mkv', 'B/deep/two.MP4', 'odd [1].webm'];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'find-videos-'));
  for (const file of files) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), 'x');
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const found = async (...paths: string[]): Promise<string[]> =>
  (await findVideos(paths.map((path) => join(folder, path)))).map(({ path }) => path.slice(folder.length + 1));

describe('videos', () => {
  test('of a folder come in natural order, by their endings', async () => {
    expect(await found('')).toEqual(['clip2.mp4', 'clip10.mp4', 'odd [1].webm']);
  });

  test('are found by a pattern', async () => {
    expect(await found('clip*.mp4')).toEqual(['clip2.mp4', 'clip10.mp4']);
    expect(await found('clip?.mp4')).toEqual(['clip2.mp4']);
    expect(await found('**/*.mkv')).toEqual(['B/one.mkv']);
    expect(await found('**/deep/*')).toEqual(['B/deep/two.MP4']);
    expect(await found('*/one.*')).toEqual(['B/one.mkv']);
  });

  test('of a list stay in its order, each once', async () => {
    expect(await found('clip10.mp4', 'clip*', 'B/one.mkv')).toEqual(['clip10.mp4', 'clip2.mp4', 'B/one.mkv']);
  });

  test('have names that differ', async () => {
    const names = async (...paths: string[]): Promise<string[]> =>
      (await findVideos(paths.map((path) => join(folder, path)))).map(({ name }) => name);
    expect(await names('clip2.mp4', 'B/one.mkv')).toEqual(['clip2', 'one']);
    await mkdir(join(folder, 'C'), { recursive: true });
    await writeFile(join(folder, 'C/one.mkv'), 'x');
    const same = await names('B/one.mkv', 'C/one.mkv');
    expect(same.map((name) => name.slice(-5))).toEqual(['B/one', 'C/one']);
    await writeFile(join(folder, 'C/one.mp4'), 'x');
    const more = await names('C/one.mkv', 'C/one.mp4');
    expect(more.map((name) => name.slice(-9))).toEqual(['C/one.mkv', 'C/one.mp4']);
  });

  test('that are not there are an error with a suggestion', async () => {
    await expect(found('clip3.mp4')).rejects.toMatchObject({ code: 'E_FILE_MISSING', message: /Did you mean .*clip/ });
    await expect(found('x*.mp4')).rejects.toMatchObject({ code: 'E_NO_VIDEO', message: /fits no file/ });
    await mkdir(join(folder, 'empty'), { recursive: true });
    await expect(found('empty')).rejects.toMatchObject({ code: 'E_NO_VIDEO', message: /is empty/ });
    await writeFile(join(folder, 'empty', 'a.txt'), 'x');
    await expect(found('empty')).rejects.toMatchObject({ message: /holds no video/ });
    await expect(found('clip2.mp4/x')).rejects.toMatchObject({ code: 'E_FILE_MISSING' });
  });

  test('are found by a pattern that would keep a backtracking one busy', async () => {
    await writeFile(join(folder, `${'a'.repeat(200)}.mp4`), 'x');
    expect(await found(`${'*a'.repeat(40)}b`).catch(() => [])).toEqual([]);
    expect(await found(`${'*a'.repeat(40)}*`)).toHaveLength(1);
  });
});
