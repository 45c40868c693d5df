import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BundleIndex } from '@deepearth/sinks/explorer/bundle-index';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { explored, exploredRun } from '../testing/explored-run.ts';
import { commandPath, deepearth } from '../testing/spawn.ts';

let root = '';
const at = (...names: string[]): string => join(root, ...names);
const indexOf = async (folder: string): Promise<BundleIndex> =>
  JSON.parse(await readFile(join(folder, 'index.json'), 'utf8')) as BundleIndex;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'explore-'));
  await exploredRun(at('run'));
  await exploredRun(at('bundled'), { bundle: true });
});
afterAll(() => rm(root, { recursive: true, force: true }));

describe('deepearth explore --export', () => {
  test('makes of files of tokens and projections what sink/explorer makes in the run', async () => {
    const { status, stdout } = await deepearth(['explore', at('run'), '--export', at('site')]);
    expect([status, stdout]).toEqual([0, `Wrote ${at('site')}: any static server shows it.\n`]);
    const index = await indexOf(at('site/data'));
    const { sequences, clips, layers, chunks, tokens } = index;
    expect(sequences.map(({ name }) => name)).toEqual(explored.sequences);
    expect(clips.map(({ grid }) => grid)).toEqual(Array(explored.clips).fill(explored.grid));
    expect(layers.map(({ name, meaning }) => [name, meaning])).toEqual([['pca', 'coordinates']]);
    expect([chunks, tokens]).toEqual([[1024], 1024]);
    const inRun = await indexOf(at('bundled/looks'));
    expect({ ...index, code: undefined }).toEqual({ ...inRun, code: undefined });
    for (const part of ['tokens/00000.bin', 'layers/0/00000.bin', 'frames/1/00015.jpg'])
      expect(Buffer.compare(await readFile(at('site/data', part)), await readFile(at('bundled/looks', part)))).toBe(0);
    expect(await readdir(at('site'))).toEqual(expect.arrayContaining(['index.html', 'app.js', 'app.css', 'data']));
    expect((await readdir(root)).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  test('copies the bundle of a run that has one, and of a page that was exported', async () => {
    const copied = await deepearth(['explore', at('bundled'), '--export', at('copied'), '--frames', root]);
    expect([copied.status, copied.stderr]).toEqual([
      0,
      expect.stringContaining('--picture-edge and --frames change nothing'),
    ]);
    expect((await deepearth(['explore', at('copied'), '--export', at('again')])).status).toBe(0);
    for (const site of ['copied', 'again'])
      expect(await readFile(at(site, 'data/index.json'))).toEqual(await readFile(at('bundled/looks/index.json')));
    expect((await readdir(at('copied/data'))).sort()).toEqual([
      'directions.bin',
      'frames',
      'index.json',
      'layers',
      'run.json',
      'tokens',
    ]);
  });

  test('takes a folder of token files without a run, and pictures of another size', async () => {
    const { status } = await deepearth([
      'explore',
      at('run/features'),
      '--export',
      at('plain'),
      '--picture-edge',
      '96',
    ]);
    expect(status).toBe(0);
    const { sequences, layers } = await indexOf(at('plain/data'));
    expect(sequences[0]!.picture).toEqual({ width: 96, height: 64 });
    expect(layers).toEqual([]);
  });

  test('replaces a page that it wrote, if it is told to, and nothing else ever', async () => {
    await mkdir(at('mine'));
    await writeFile(at('mine/letter.txt'), 'dear');
    for (const flags of [[], ['--force']]) {
      const { status, stderr } = await deepearth(['explore', at('bundled'), '--export', at('mine'), ...flags]);
      expect(status).toBe(2);
      expect(stderr).toMatch(/is there already\.\s+.*Name another\./s);
    }
    expect(await readFile(at('mine/letter.txt'), 'utf8')).toBe('dear');
    await deepearth(['explore', at('bundled'), '--export', at('twice')]);
    const before = await stat(at('twice/index.html'));
    expect((await deepearth(['explore', at('bundled'), '--export', at('twice')])).stderr).toContain('--force');
    expect((await deepearth(['explore', at('bundled'), '--export', at('twice'), '--force'])).status).toBe(0);
    expect((await stat(at('twice/index.html'))).ino).not.toBe(before.ino);
  });

  test('goes on without pictures of frames that cannot be found, and says so', async () => {
    await mkdir(at('lost/features'), { recursive: true });
    const [name] = (await readdir(at('run/features'), { recursive: true })).filter((each) =>
      each.endsWith('.safetensors'),
    );
    const bytes = await readFile(at('run/features', name!));
    // The same file, but of frames of a source that there is not.
    const lost = Buffer.from(bytes.toString('latin1').replaceAll('source/synthetic', 'source/syntheti_'), 'latin1');
    await writeFile(at('lost/features/lost.safetensors'), lost);
    const { status, stderr } = await deepearth(['explore', at('lost'), '--export', at('lost-site')]);
    expect(status).toBe(3);
    expect(stderr).toContain('8 items could not be shown');
    expect((await indexOf(at('lost-site/data'))).sequences[0]!.without).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  test('leaves nothing where it fails', async () => {
    await mkdir(at('broken'));
    await writeFile(at('broken/tokens.safetensors'), 'no tensors');
    const { status, stderr } = await deepearth(['explore', at('broken'), '--export', at('broken-site')]);
    expect(status).toBe(4);
    expect(stderr).toMatch(/holds no tokens that can be shown.*tokens\.safetensors/s);
    await expect(stat(at('broken-site'))).rejects.toThrow('ENOENT');
    expect((await readdir(root)).filter((name) => name.startsWith('.'))).toEqual([]);
  });
});

describe('deepearth explore', () => {
  test('says what is missing', async () => {
    const missing = await deepearth(['explore', at('nowhere')]);
    expect([missing.status, missing.stderr]).toEqual([4, expect.stringContaining('there is no such file or folder')]);
    await mkdir(at('empty'));
    expect((await deepearth(['explore', at('empty'), '--export', at('none')])).stderr).toContain(
      'holds no .safetensors or .pt files',
    );
    for (const flags of [
      ['--port', 'x'],
      ['--port', '65536'],
      ['--picture-edge', '31'],
    ])
      expect(await deepearth(['explore', at('bundled'), ...flags])).toMatchObject({
        status: 2,
        stderr: expect.stringMatching(/^error: --[-a-z]+: expected a whole number/) as string,
      });
  });

  test('prints its address, answers there, and ends by Ctrl-C without a trace', async () => {
    const temporary = at('temporary');
    await mkdir(temporary);
    const child = spawn(process.execPath, [commandPath, 'explore', at('run')], {
      env: { ...process.env, TMPDIR: temporary },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
    const url = await new Promise<string>((resolve) =>
      child.stdout.on('data', (piece: Buffer) => resolve(piece.toString().trim())),
    );
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]{24}\/$/);
    expect(((await (await fetch(`${url}data/index.json`)).json()) as BundleIndex).tokens).toBe(1024);
    expect(await (await fetch(url)).text()).toContain('<title>DeepEarth explorer</title>');
    expect(await readdir(temporary)).toHaveLength(1);
    child.kill('SIGINT');
    expect(await ended).toBe(0);
    expect(await readdir(temporary)).toEqual([]);
  });
});
