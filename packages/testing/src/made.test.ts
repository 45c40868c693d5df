import { access, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sha256, type Item } from '@deepearth/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { finiteTensors, tensors } from './arbitraries.ts';
import { given, specOf } from './given.ts';
import { itemDigest, mismatch } from './item-bytes.ts';
import { makeClips, makeFrames } from './make-frames.ts';
import { makeArtifacts, makePictures } from './make-pictures.ts';
import { makeEmbeddings, makeProjections, makeTokens } from './make-tokens.ts';

const makers: [string, (seed: number) => Item[]][] = [
  ['frames', (seed) => makeFrames(3, { seed })],
  ['clips', (seed) => makeClips(3, { seed })],
  ['tokens', (seed) => makeTokens({ seed })],
  ['embeddings', (seed) => makeEmbeddings({ seed })],
  ['projections', (seed) => makeProjections({ seed })],
  ['pictures', (seed) => makePictures(3, { seed })],
];

test.each(makers)('makes the same %s of the same seed, others of another, each as its spec says', async (_, make) => {
  const digests = async (seed: number) => Promise.all(make(seed).map(itemDigest));
  expect(await digests(1)).toEqual(await digests(1));
  expect(await digests(2)).not.toEqual(await digests(1));
  const { spec } = given(make(1));
  expect(spec.count).toBe(3);
  expect(make(1).map((item) => mismatch(item, spec))).toEqual([undefined, undefined, undefined]);
  expect(new Set(make(1).map(({ id }) => id)).size).toBe(3);
});

test('makes artifacts that are there, with their sizes and digests', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'made-test-'));
  try {
    for (const { path, bytes, sha256: digest } of await makeArtifacts(2, folder)) {
      await access(join(folder, path));
      const content = await readFile(join(folder, path));
      expect([content.byteLength, sha256(content)]).toEqual([bytes, digest]);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('cannot guess the spec of nothing, or of a kind of one’s own', () => {
  expect(() => specOf([])).toThrow('spec of no items');
  expect(() => specOf([{ kind: 'own', id: 'a', key: 'b' }])).toThrow('"own"');
});

test('draws tensors whose values fit their shape', () => {
  fc.assert(
    fc.property(
      tensors(['float16', 'int64', 'complex64', 'bool']),
      ({ dtype, shape, data }) => data.length === shape.reduce((n, size) => n * size, dtype === 'complex64' ? 2 : 1),
    ),
  );
  fc.assert(fc.property(finiteTensors(), ({ data }) => data.every((x) => Math.abs(x) <= 1e3)));
});
