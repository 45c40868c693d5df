import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeFolder, readRegularFile, readTextFile, refuseSpecial } from './regular-file.ts';

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'regular-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

test('reads a file, also through a link and with nothing in it', async () => {
  const path = join(folder, 'a.txt');
  await writeFile(path, 'Zürich');
  await symlink(path, join(folder, 'link'));
  await writeFile(join(folder, 'empty'), '');
  expect(await readTextFile(join(folder, 'link'))).toBe('Zürich');
  expect((await readRegularFile(join(folder, 'empty'))).length).toBe(0);
});

test('a file of more bytes than are wanted is refused with its size', async () => {
  const path = join(folder, 'large');
  await writeFile(path, new Uint8Array(11));
  await expect(readRegularFile(path, { maxBytes: 10 })).rejects.toMatchObject({
    code: 'E_FILE_TOO_LARGE',
    message: expect.stringContaining('has 11 bytes'),
  });
  expect((await readRegularFile(path, { maxBytes: 11 })).length).toBe(11);
});

test('a folder and a file that is not there are what the system says', async () => {
  await mkdir(join(folder, 'sub'));
  await expect(readRegularFile(join(folder, 'sub'))).rejects.toMatchObject({ code: 'EISDIR' });
  await expect(readRegularFile(join(folder, 'none'))).rejects.toMatchObject({ code: 'ENOENT' });
  await refuseSpecial(join(folder, 'sub'));
  await refuseSpecial(join(folder, 'none'));
});

describe.skipIf(process.platform === 'win32')('what is no file is refused by name, without waiting', () => {
  const refused = async (path: string, words: string): Promise<void> => {
    const error = { code: 'E_NOT_A_FILE', subject: path, message: expect.stringContaining(words) };
    await expect(readRegularFile(path)).rejects.toMatchObject(error);
    await expect(refuseSpecial(path)).rejects.toMatchObject(error);
  };

  test('a pipe, itself and behind a link', async () => {
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    await symlink(join(folder, 'pipe'), join(folder, 'to-pipe'));
    await refused(join(folder, 'pipe'), 'is a pipe (FIFO), not a file');
    await refused(join(folder, 'to-pipe'), 'is a pipe (FIFO), not a file');
  });

  test('a socket', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(folder, 'socket'), resolve));
    await refused(join(folder, 'socket'), 'is a socket');
    await new Promise((resolve) => server.close(resolve));
  });

  test('a device', () => refused('/dev/zero', 'is a device'));

  test.skipIf(process.platform !== 'linux')('what the kernel makes up', async () => {
    await refused('/proc/self/status', 'is made up by the kernel');
    await symlink('/proc/version', join(folder, 'to-proc'));
    await refused(join(folder, 'to-proc'), 'is made up by the kernel');
  });
});

test('makes a folder with those above it, also where it is already', async () => {
  await makeFolder(join(folder, 'x', 'y'));
  await makeFolder(join(folder, 'x', 'y'));
  await writeFile(join(folder, 'x', 'y', 'z'), '');
  await expect(makeFolder(join(folder, 'x', 'y', 'z', 'w'))).rejects.toMatchObject({ code: 'ENOTDIR' });
});

test.skipIf(process.platform !== 'linux')('makes none among what the kernel makes up', async () => {
  await symlink('/proc', join(folder, 'kernel'));
  for (const path of ['/proc/deepearth/x', join(folder, 'kernel', 'x')])
    await expect(makeFolder(path)).rejects.toMatchObject({ code: 'E_OUTPUT_NOT_A_FOLDER' });
});
