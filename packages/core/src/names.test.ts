import fc from 'fast-check';
import { expect, test } from 'vitest';
import { clipId, frameFile, frameId, itemFile, sequenceFile, sequenceFolder } from './names.ts';
import { assertSafePath } from './safe-path.ts';

/** Names as people, file systems and enemies give them. */
const sequence = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.string({ unit: fc.constantFrom(...'aA-.:% /\\*?\u0000', 'con', 'nul', '.deepearth', '\ud800'), maxLength: 5 }),
);
const number = fc.nat(2_000_000);

test('gives paths that are safe on every system, whatever the sequence is called', () => {
  fc.assert(
    fc.property(sequence, number, (name, at) => {
      for (const path of [
        frameFile({ sequence: name, number: at }, true),
        frameId(name, at, true),
        clipId(name, at, true),
        sequenceFile(name, 'umap-overlay', true),
        itemFile('features', { id: name }, true),
      ])
        assertSafePath(path);
    }),
    { numRuns: 2000 },
  );
});

test('gives different frames different names', () => {
  fc.assert(
    fc.property(sequence, number, sequence, number, (a, m, b, n) => {
      fc.pre(a !== b || m !== n);
      expect(frameFile({ sequence: a, number: m }, true)).not.toBe(frameFile({ sequence: b, number: n }, true));
      expect(clipId(a, m, true)).not.toBe(clipId(b, n, true));
    }),
    { numRuns: 2000 },
  );
});

test('leaves plain names as they are, and names of one sequence without it', () => {
  expect(sequenceFolder('north/camera 1')).toBe('north/camera 1');
  expect(frameFile({ sequence: 'north', number: 616 }, true)).toBe('north/frame_000616');
  expect(frameFile({ sequence: 'north', number: 616 }, false)).toBe('frame_000616');
  expect(new Set(['a:b', 'a*b', 'a-b', 'a%3Ab', 'a', 'a.', '/a', ''].map(sequenceFolder)).size).toBe(8);
  expect(sequenceFolder('a:b')).toBe('a%3Ab');
});
