import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openRunFolder } from './output-folder.ts';

test('a manifest reads as if it had been written at once', async () => {
  const path = await mkdtemp(join(tmpdir(), 'output-folder-test-'));
  try {
    const folder = await openRunFolder(path, false);
    const manifest = {
      format: 1,
      none: undefined,
      name: 'a "b"\n',
      empty: [],
      nothing: null,
      deep: { a: [1, { b: [] }], c: {} },
      list: [1, 'x', null, { y: [2, 3] }, [[]]],
    };
    await folder.writeManifest(manifest);
    expect(await readFile(join(path, 'manifest.json'), 'utf8')).toBe(`${JSON.stringify(manifest, null, 1)}\n`);
    await folder.release(false);
  } finally {
    await rm(path, { recursive: true, force: true });
  }
});

test('pieces of any size arrive in order, with the digest of the whole', async () => {
  const path = await mkdtemp(join(tmpdir(), 'output-folder-test-'));
  try {
    const folder = await openRunFolder(path, false);
    // The writer may reuse its buffer as soon as it is asked for the next piece.
    const reused = new Uint8Array(300_000);
    const whole: number[] = [];
    const pieces = async function* (): AsyncGenerator<Uint8Array> {
      for (const [index, size] of [1, 0, 5, 262_143, 3, 262_144, 300_000, 7, 200_000, 100_000, 1].entries()) {
        reused.fill(index + 1, 0, size);
        for (let i = 0; i < size; i++) whole.push(index + 1);
        yield reused.subarray(0, size);
      }
    };
    const { bytes, sha256 } = await folder.write(
      'any',
      { path: 'pieces.bin', mediaType: 'application/octet-stream', key: 'k' },
      pieces(),
    );
    const written = await readFile(join(path, 'pieces.bin'));
    expect(written.equals(Uint8Array.from(whole))).toBe(true);
    expect([bytes, sha256]).toEqual([whole.length, createHash('sha256').update(Uint8Array.from(whole)).digest('hex')]);
    const empty = await folder.write(
      'any',
      { path: 'empty.bin', mediaType: 'application/octet-stream', key: 'k' },
      (async function* () {})(),
    );
    expect(empty.bytes).toBe(0);
    await folder.release(false);
  } finally {
    await rm(path, { recursive: true, force: true });
  }
});
