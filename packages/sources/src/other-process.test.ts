import { execFile } from 'node:child_process';
import { appendFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  bytesOf,
  createRegistry,
  frameReader,
  sha256,
  type Frame,
  type FrameRecord,
  type Raster,
  type StageDefinition,
} from '@deepearth/core';
import { runStage } from '@deepearth/runtime/run-stage';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { frames } from './frames.ts';
import { stages } from './stages.ts';
import { synthetic } from './synthetic.ts';

const program = fileURLToPath(new URL('../fixtures/read-frames.mjs', import.meta.url));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'other-process-'));
  for (const number of [4, 5]) {
    const noise = Uint16Array.from({ length: 40 * 30 * 3 }, (_, i) => Math.imul(i * number, 0x9e3779b1) >>> 16);
    await sharp(noise, { raw: { width: 40, height: 30, channels: 3 } })
      .toColourspace('rgb16')
      .png()
      .toFile(join(folder, `f${number}.png`));
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const parts = [{}, { window: { x: 3, y: 5, width: 20, height: 11 } }, { overview: 3 }] as const;
const digestOf = ({ values, channels }: Raster): string =>
  `${values.dtype} [${values.shape.join()}] ${channels.join()} ${sha256(bytesOf(values))}`;

/** The frames of a source as JSON, and what is read of them here. */
async function written(source: unknown, options: object): Promise<{ json: string; digests: string[] }> {
  const records: FrameRecord[] = [];
  const digests: string[] = [];
  for await (const item of runStage(source as StageDefinition, { options })) {
    const { read, ...record } = item as Frame;
    records.push(record);
    for (const part of parts) digests.push(digestOf(await read(part)));
  }
  return { json: JSON.stringify(records), digests };
}

/** What another process reads of frames of which it has the JSON. */
const readElsewhere = (json: string, cwd: string): Promise<string[]> =>
  new Promise((resolve, reject) => {
    const child = execFile(process.execPath, [program], { cwd }, (error, stdout) => {
      if (error) return reject(error);
      const { pid, found } = JSON.parse(stdout) as { pid: number; found: string[] };
      expect(pid).not.toBe(process.pid);
      resolve(found);
    });
    child.stdin!.end(`{"records":${json},"parts":${JSON.stringify(parts)}}`);
  });

describe('a frame that was written as JSON is read by another process, whole and in part, with the same digest', () => {
  test.each([
    ['source/synthetic', synthetic, () => ({ count: 2, first: 5, width: 48, height: 32, seed: 3, speed: 2.5 })],
    ['source/frames', frames, () => ({ directory: folder })],
    ['source/frames with stored values', frames, () => ({ directory: folder, values: 'stored', fps: 4 })],
  ])('%s', async (_, source, options) => {
    const { json, digests } = await written(source, options());
    expect(new Set(digests).size).toBe(2 * parts.length);
    expect(await readElsewhere(json, tmpdir())).toEqual(digests);
  });

  test('by a relative path from the folder that it is relative to', async () => {
    const { json, digests } = await written(frames, { directory: relative(process.cwd(), folder) });
    expect(await readElsewhere(json, process.cwd())).toEqual(digests);
    // So deep that as many steps up do not lead out of it.
    const elsewhere = join(folder, ...Array<string>(20).fill('deep'));
    await mkdir(elsewhere, { recursive: true });
    expect(await readElsewhere(json, elsewhere)).toEqual(
      digests.map(() => expect.stringMatching(/^E_\w+ .*f[45]\.png/)),
    );
  });

  test('or refused where the file is no longer the one that it was', async () => {
    const { json, digests } = await written(frames, { directory: folder });
    await appendFile(join(folder, 'f5.png'), 'x');
    const found = await readElsewhere(json, folder);
    expect(found.slice(0, parts.length)).toEqual(digests.slice(0, parts.length));
    for (const error of found.slice(parts.length)) expect(error).toMatch(/^E_INPUT_CHANGED .*f5\.png: has changed/);
  });
});

test('a reader closes what it opened, and names a source that it does not have', async () => {
  const { json, digests } = await written(synthetic, { count: 1, width: 48, height: 32 });
  const [record] = JSON.parse(json) as [FrameRecord];
  const reader = frameReader({ registry: createRegistry(stages) });
  const frame = reader.frame(record);
  expect(digestOf(await frame.read())).toBe(digests[0]);
  await expect(frame.read({ signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
  const foreign = reader.frame({ ...record, locator: { source: 'source/tape', uri: 'tape:1' } });
  await expect(foreign.read()).rejects.toMatchObject({
    code: 'E_LOCATOR',
    message: expect.stringContaining('there is no source/tape'),
  });
  await reader.close();
  await expect(reader.frame({ ...record, locator: { ...record.locator, decode: {} } }).read()).rejects.toThrow(
    'nothing can be kept any more',
  );
});
