// Damaged files of tensors: read or refused, never a fault, and never other numbers where a checksum is there.
import { DeepEarthError } from '@deepearth/core/errors';
import { bytesOf, tensor, type Tensor } from '@deepearth/core/tensor';
import { bytesSource } from '@deepearth/formats/bytes';
import { inspectFile, inspectionJson } from '@deepearth/formats/inspect';
import { encodeNpy, encodeNpz, encodePt, encodeSafetensors } from '@deepearth/formats';
import { expect, test } from 'vitest';
import { mutate, mutations, tryMutants, type MutationKind } from './mutate.ts';
import { seededNormal } from './random.ts';

const normal = seededNormal(4);
const floats = (...shape: number[]): Tensor =>
  tensor('float32', shape, Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, normal));
const content = { tokens: floats(4, 3, 8), mean: floats(8) };

/** All that a file holds: every value goes into a digest. */
const holds = async (bytes: Uint8Array): Promise<string> =>
  inspectionJson((await inspectFile(bytesSource(bytes, 'file'), { digest: true })).holds);
const isReported = (error: unknown): boolean => error instanceof DeepEarthError;

const files: Readonly<Record<string, () => Promise<Uint8Array> | Uint8Array>> = {
  safetensors: () => encodeSafetensors(content, { made: 'by hand' }),
  npy: () => encodeNpy(content.tokens),
  npz: () => encodeNpz(content),
  'deflated npz': () => encodeNpz(content, 'deflated'),
  pt: () => encodePt(content),
};
/** Formats with a CRC-32 over each value. */
const summed = new Set(['npz', 'deflated npz', 'pt']);
const inPlace: readonly MutationKind[] = ['flip', 'byte', 'zeros', 'cut', 'remove', 'repeat'];

test.each(Object.keys(files))('a damaged %s is read or refused, and never a fault', async (name) => {
  const bytes = await files[name]!();
  const report = await tryMutants(bytes, holds, isReported, { count: 250, seed: 11 });
  expect(report.faults).toEqual([]);
  expect(report.refused).toBeGreaterThan(20);
});

test.each([...summed])('a damaged %s never holds other numbers', async (name) => {
  const bytes = await files[name]!();
  const values = async (mutant: Uint8Array): Promise<string> =>
    // Names are under no checksum but are compared with their second copy.
    holds(mutant);
  const report = await tryMutants(bytes, values, isReported, { count: 300, seed: 23, kinds: inPlace });
  expect(report.others).toEqual([]);
  expect(report.faults).toEqual([]);
});

test('the same number gives the same mutant, every kind comes, and most change something', () => {
  const bytes = bytesOf(floats(40));
  const kinds = new Set<string>();
  let changed = 0;
  for (let seed = 0; seed < 200; seed++) {
    const one = mutate(bytes, seed);
    expect(mutate(bytes, seed)).toEqual(one);
    kinds.add(one.kind);
    if (Buffer.compare(one.bytes, bytes) !== 0) changed++;
    const kept = mutate(bytes, seed, { from: 50 });
    expect(kept.bytes.subarray(0, 50)).toEqual(bytes.subarray(0, 50));
  }
  expect([...kinds].sort()).toEqual([...mutations].sort());
  expect(changed).toBeGreaterThan(150);
});

test('counts faults and other values', async () => {
  const report = await tryMutants(
    new TextEncoder().encode('[12, 34]'),
    async (bytes) => JSON.stringify(JSON.parse(new TextDecoder().decode(bytes))),
    (error) => error instanceof SyntaxError,
    { count: 100 },
  );
  expect(report.mutants).toBe(100);
  expect(report.refused + report.same + report.other + report.faults.length).toBe(100);
  expect(report.other).toBe(report.others.length);
  expect(report.other).toBeGreaterThan(0);
  const broken = await tryMutants(
    Uint8Array.of(1, 2, 3),
    async (bytes) => (bytes[0] === 1 ? 'a' : Promise.reject(new TypeError('no'))),
    isReported,
    { count: 50 },
  );
  expect(broken.faults.length).toBeGreaterThan(0);
  expect(broken.faults[0]).toMatch(/^mutant \d+: \w+ at byte \d+: TypeError: no/);
});
