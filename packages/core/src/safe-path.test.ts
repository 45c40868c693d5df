import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sequenceFolder } from './names.ts';
import { assertSafePath, foldedPath, isSafePath, unsafeBecause } from './safe-path.ts';

describe('a path for a file of a run', () => {
  test.each([
    ['', 'empty'],
    ['/etc/passwd', 'relative to the output folder'],
    ['C:/x', 'relative to the output folder'],
    ['../x.zip', 'inside the output folder'],
    ['a/../../x', 'inside the output folder'],
    ['a//b', 'empty parts'],
    ['a/', 'empty parts'],
    ['a\u0000b', 'control characters'],
    ['a\nb', 'control characters'],
    ['a\\b', 'without any of'],
    ['a:b', 'without any of'],
    ['\ud800', 'halves of characters'],
    ['a.', 'a space or a dot'],
    ['con.txt', 'devices'],
    ['x'.repeat(256), 'at most 255 bytes, and one has 256'],
    ['ä'.repeat(128), 'at most 255 bytes, and one has 256'],
    ['manifest.json', 'the run’s own'],
    ['Manifest.JSON', 'the run’s own'],
    ['.deepearth/journal.jsonl', 'the run’s own'],
    ['.DeepEarth/x', 'the run’s own'],
  ])('is not %j', (path, reason) => {
    expect(unsafeBecause(path)).toContain(reason);
    expect(() => assertSafePath(path)).toThrow(reason);
  });

  test.each(['a.png', 'a/b/c.safetensors', 'x/manifest.json', '日本/ä.png', 'x'.repeat(255), '.hidden'])(
    'is %j',
    (path) => expect(unsafeBecause(path)).toBeUndefined(),
  );

  test('is every sequence’s folder that is short enough', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }), (sequence) => {
        const folder = `x/${sequenceFolder(sequence)}`;
        return isSafePath(folder) && unsafeBecause(folder) === undefined;
      }),
    );
  });

  test('is folded to one name where only case or the form of accents differs', () => {
    expect(foldedPath('Caf\u00e9.PNG')).toBe(foldedPath('cafe\u0301.png'));
    expect(foldedPath('a/b')).not.toBe(foldedPath('a/c'));
  });
});
