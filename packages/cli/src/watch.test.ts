// A camera in another process writes while the command watches: stopped, killed and resumed, it leaves what one run
// would.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Manifest } from '@deepearth/core';
import { expect, it } from 'vitest';
import { deepearth, folderWith } from './testing/spawn.ts';

const pipeline = `
stages:
  - { id: camera, type: source/watch, with: { directory: incoming, stableSeconds: 0.5, pollSeconds: 0.1, idleEndSeconds: 8 } }
  - { type: windower/sliding, with: { size: 4 } }
  - { id: tokens, type: encoder/vjepa2, with: { cropSize: 32 } }
  - { type: sink/features }
`;

/**
 * Writes 16 pictures, each in three pieces under its final name, as a camera would: \`node camera.mjs FOLDER PAUSE\`.
 */
const camera = `
import { appendFile, writeFile } from 'node:fs/promises';
import { deflateSync, crc32 } from 'node:zlib';
import { setTimeout as pause } from 'node:timers/promises';
const [folder, milliseconds] = process.argv.slice(2);
const chunk = (type, data) => {
  const body = Buffer.concat([Buffer.from(type), data]);
  const length = Buffer.alloc(4), sum = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
};
const [width, height] = [48, 40];
const head = Buffer.from([0, 0, 0, width, 0, 0, 0, height, 8, 2, 0, 0, 0]);
for (let n = 0; n < 16; n++) {
  const rows = Buffer.alloc(height * (1 + 3 * width), 0);
  for (let i = 0; i < rows.length; i++) if (i % (1 + 3 * width)) rows[i] = (i * 7 + n * 31 + ((i * i) >> 5)) % 256;
  const png = Buffer.concat([Buffer.from('\\x89PNG\\r\\n\\x1a\\n', 'latin1'), chunk('IHDR', head), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]);
  const path = folder + '/cam_20240501_10' + String(n).padStart(2, '0') + '00.png';
  await writeFile(path, png.subarray(0, 60));
  await pause(+milliseconds);
  await appendFile(path, png.subarray(60, 200));
  await pause(+milliseconds);
  await appendFile(path, png.subarray(200));
  await pause(+milliseconds);
}
`;

const manifestOf = async (folder: string): Promise<Manifest> =>
  JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as Manifest;
const outputs = (manifest: Manifest) => Object.fromEntries(manifest.outputs.map(({ path, sha256 }) => [path, sha256]));

it(
  'sends clips while a camera writes, ends with 130 on Ctrl-C, survives kill -9, and resumes to what one run leaves',
  { timeout: 240_000, skip: process.platform === 'win32' },
  async () => {
    await using folder = await folderWith({ 'p.yaml': pipeline, 'camera.mjs': camera });
    await mkdir(folder.file('incoming'));
    const written = spawn(process.execPath, ['camera.mjs', 'incoming', '120'], { cwd: folder.path, stdio: 'inherit' });
    const ended = once(written, 'close');
    const run = (output: string, ...more: string[]) => ['run', 'p.yaml', '--output', output, ...more];

    const stopped = await deepearth(run('out'), {
      cwd: folder.path,
      kill: { signal: 'SIGINT', after: 'features_frames_0000_0003.safetensors' },
    });
    expect(stopped.status).toBe(130);
    const cancelled = await manifestOf(folder.file('out'));
    expect(cancelled.status).toBe('cancelled');
    const [table] = cancelled.frames!;
    expect(table!.count).toBeGreaterThanOrEqual(4);
    expect(cancelled.inputs.map(({ path }) => path).filter((path) => path.startsWith('incoming/'))).toEqual(
      table!.files,
    );

    const killed = await deepearth(run('out', '--resume'), {
      cwd: folder.path,
      kill: { signal: 'SIGKILL', after: 'features_frames_0004_0007.safetensors' },
    });
    expect(killed.status).toBe('SIGKILL');

    await ended;
    const whole = await deepearth(run('whole'), { cwd: folder.path });
    expect(whole.status).toBe(0);
    // The camera makes room on its disk: what was sent is known without its file.
    const reference = await manifestOf(folder.file('whole'));
    for (const file of [0, 1, 2, 3].map((index) => reference.frames![0]!.files[index]!)) await rm(folder.file(file));
    const resumed = await deepearth(run('out', '--resume'), { cwd: folder.path });
    expect(resumed.status).toBe(0);
    const made = await manifestOf(folder.file('out'));
    expect(made.status).toBe('done');
    expect(made.frames![0]).toMatchObject({ count: 16, numbers: Array.from({ length: 16 }, (_, n) => n) });
    expect(made.frames).toEqual(reference.frames);
    expect(made.inputs).toEqual(reference.inputs);
    expect(outputs(made)).toEqual(outputs(reference));
    expect(made.warnings.filter(({ stage }) => stage === 'camera').map(({ message }) => message)).toEqual(
      [0, 1, 2, 3].map(
        (minute) =>
          `incoming: cam_20240501_100${minute}00.png was sent by the run that is resumed and is no longer there`,
      ),
    );
    expect(made.stages[0]!.findings).toEqual({ watched: { gone: 4 } });
    expect(await readdir(folder.file('out/features'))).toHaveLength(4);
  },
);
