import { constants } from 'node:os';
import { mkdir, mkdtemp, open, readFile, rm, rmdir, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { InputError, StageError } from './errors.ts';
import { fileError, fileTrouble } from './file-trouble.ts';
import { memoryStore } from './memory-store.ts';
import { definePipeline, use } from './pipeline.ts';
import { run } from './run.ts';
import { defineSource } from './stage.ts';
import { z } from 'zod';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trouble-test-'));
  await mkdir(join(folder, 'inner'));
  await writeFile(join(folder, 'file'), 'x');
  await symlink('loop', join(folder, 'loop'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const thrown = (act: () => Promise<unknown>): Promise<unknown> =>
  act().then(
    () => undefined,
    (error: unknown) => error,
  );

test.each([
  ['ENOENT', () => readFile(join(folder, 'none')), 'is not there'],
  ['EISDIR', () => readFile(join(folder, 'inner')), 'is a folder, not a file'],
  ['ENOTDIR', () => readFile(join(folder, 'file/below')), 'lies under a file'],
  ['ELOOP', () => readFile(join(folder, 'loop')), 'a link that leads back to itself'],
  ['ENAMETOOLONG', () => readFile(join(folder, 'x'.repeat(300))), 'a longer name than the file system takes'],
  ['EEXIST', () => open(join(folder, 'file'), 'wx'), 'is there already'],
  ['ENOTEMPTY', () => rmdir(folder), 'is a folder that is not empty'],
])('%s, as the system gives it, is told in words with a remedy', async (code, act, words) => {
  if (process.platform === 'win32') return;
  const cause = await thrown(act);
  expect(cause).toMatchObject({ code });
  const error = fileError(cause) as InputError;
  expect(error).toBeInstanceOf(InputError);
  expect(error.message).toContain(words);
  expect(error.message).not.toContain(code);
  // What is refused while a file is open comes without its path.
  const path = (cause as NodeJS.ErrnoException).path;
  expect([error.subject, error.cause]).toEqual([path ?? 'a file', cause]);
  expect(error.remedy).toMatch(/\.$/);
});

test.each([
  'EACCES',
  'EPERM',
  'EROFS',
  'EMFILE',
  'ENFILE',
  'EBUSY',
  'EXDEV',
  'ENOSPC',
  'EDQUOT',
  'EFBIG',
  'EIO',
  'ESTALE',
])('%s has words, and is a code of the system', (code) => {
  const cause = Object.assign(new Error(`${code}: raw, write`), { code, syscall: 'write', path: '/x' });
  expect(fileError(cause)).toMatchObject({ subject: '/x', cause });
  if (process.platform === 'linux') expect(constants.errno).toHaveProperty(code);
});

test('errors of sockets, of processes and of programs are left as they are', () => {
  for (const cause of [
    Object.assign(new Error('x'), { code: 'EACCES', syscall: 'connect' }),
    Object.assign(new Error('x'), { code: 'ENOENT', syscall: 'spawn python' }),
    Object.assign(new Error('x'), { code: 'constructor', syscall: 'open' }),
    new Error('x'),
    undefined,
    'x',
  ]) {
    expect(fileTrouble(cause)).toBeUndefined();
    expect(fileError(cause)).toBe(cause);
  }
});

test('a stage that meets one fails with the words, also where the stage knows nothing of it', async () => {
  const reads = defineSource({
    type: 'reads',
    summary: 'Reads a folder as a file.',
    options: z.strictObject({}),
    examples: [],
    describe: () => ({ output: { kind: 'frame', axes: [], dtype: null, count: null } }),
    async *process() {
      await readFile(join(folder, 'inner/none'));
    },
  });
  const error = await thrown(() => run(definePipeline([use(reads)]), { store: memoryStore() }).result);
  expect(error).toBeInstanceOf(StageError);
  expect(error).toMatchObject({
    code: 'E_FILE_MISSING',
    message: expect.stringMatching(/^reads: .*inner.none: is not there\./),
  });
});
