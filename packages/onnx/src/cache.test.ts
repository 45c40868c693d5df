// Digests that are remembered, and what killed processes leave behind.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { rememberedDigest, writeAtomically } from './cache.ts';
import { removeLeftovers, temporaryFor } from './cache-leftovers.ts';

const folder = mkdtempSync(join(tmpdir(), 'deepearth-cache-'));
const before = process.env['DEEPEARTH_CACHE'];
beforeAll(() => void (process.env['DEEPEARTH_CACHE'] = join(folder, 'cache')));
afterAll(() => {
  if (before === undefined) delete process.env['DEEPEARTH_CACHE'];
  else process.env['DEEPEARTH_CACHE'] = before;
  rmSync(folder, { recursive: true, force: true });
});
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

test('a file that was rewritten with the same size and time has the digest of what it holds', async () => {
  const path = join(folder, 'weights');
  const time = new Date(1_700_000_000_000);
  const put = (text: string): void => {
    writeFileSync(path, text);
    utimesSync(path, time, time);
  };
  put('aaaa');
  const { ino } = statSync(path);
  // Old enough for its digest to be remembered.
  await pause(2100);
  const notes = join(folder, 'cache', 'digests');
  expect(await rememberedDigest(path)).toEqual({ bytes: 4, sha256: sha256('aaaa') });
  expect(readdirSync(notes)).toHaveLength(1);
  writeFileSync(join(notes, readdirSync(notes)[0]!), '{}');
  expect((await rememberedDigest(path)).sha256).toBe(sha256('aaaa'));
  put('bbbb');
  expect(statSync(path)).toMatchObject({ ino, size: 4, mtimeMs: time.getTime() });
  expect((await rememberedDigest(path)).sha256).toBe(sha256('bbbb'));
  // Twice within one step of the clock: what is that young is not remembered.
  put('cccc');
  expect((await rememberedDigest(path)).sha256).toBe(sha256('cccc'));
});

test('what a process left half-written is removed once it is gone, and nothing else', async () => {
  const target = join(folder, 'left', 'a.safetensors');
  await writeAtomically(target, async (temporary) => {
    const own = (pid: number): string => temporary.replace(`-${process.pid}-`, `-${pid}-`);
    const gone = spawnSync(process.execPath, ['-e', '']).pid;
    const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)']);
    try {
      const elsewhere = temporary.replace(/\.[0-9a-f]{8}-/, '.00000000-');
      const old = `${elsewhere.slice(0, -5)}9.part`;
      const former = `${target}.12.abcdef01.part`;
      for (const path of [temporary, own(gone), own(child.pid!), elsewhere, old, former, `${target}.x`])
        writeFileSync(path, 'x');
      for (const path of [old, former]) utimesSync(path, new Date(0), new Date(0));
      const mine = temporaryFor(target);
      mine.release();
      writeFileSync(mine.path, 'x');
      await removeLeftovers(join(folder, 'left'));
      expect([temporary, own(child.pid!), elsewhere, `${target}.x`].map((path) => existsSync(path))).toEqual(
        Array<boolean>(4).fill(true),
      );
      expect([own(gone), old, former, mine.path].filter((path) => existsSync(path))).toEqual([]);
    } finally {
      child.kill();
    }
  });
  expect(existsSync(target)).toBe(true);
  await expect(removeLeftovers(join(folder, 'none'))).resolves.toBeUndefined();
});
