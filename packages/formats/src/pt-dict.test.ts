import fc from 'fast-check';
import { expect, test } from 'vitest';
import { tensor, type Tensor } from '@deepearth/core/tensor';
import { bytesSource, collect } from './bytes.ts';
import { openPt } from './pt.ts';
import type { PtWritable } from './pt-pickle-writer.ts';
import { encodePt, writePtDict } from './pt-writer.ts';
import { isKind, type PyValue } from './python-values.ts';

async function* each(entries: readonly (readonly [string, PtWritable])[]) {
  yield* entries;
}

/** What a file holds, tensors as their values. */
async function valuesOf(bytes: Uint8Array): Promise<unknown> {
  const plain = async (value: PyValue): Promise<unknown> => {
    if (isKind(value, 'tensor')) return [value.dtype, value.shape, [...((await value.read()).data as Float32Array)]];
    if (value instanceof Map)
      return Promise.all([...value].map(async ([name, inner]) => [name, await plain(inner)] as const));
    return Array.isArray(value) ? Promise.all(value.map(plain)) : value;
  };
  return plain((await openPt(bytesSource(bytes))).value);
}

const values = fc
  .array(fc.float({ noNaN: true }), { maxLength: 5 })
  .map((data): Tensor => tensor('float32', [data.length], Float32Array.from(data)));
const entry = fc.record({ features: values, metadata: fc.dictionary(fc.string(), fc.oneof(fc.nat(), fc.string())) });

test('a dict that is written entry by entry reads as one that was written at once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(fc.tuple(fc.string(), entry), { selector: ([name]) => name }), async (entries) => {
      const streamed = await collect(writePtDict(each(entries)));
      expect(await valuesOf(streamed)).toEqual(await valuesOf(await encodePt(new Map(entries))));
    }),
    { numRuns: 50 },
  );
});

test('tensors over one memory stay one in a dict that is written entry by entry', async () => {
  const shared = tensor('float32', [2], new Float32Array([1, 2]));
  const bytes = await collect(
    writePtDict(
      each([
        ['a', { x: shared, y: shared }],
        ['b', { x: shared }],
      ]),
    ),
  );
  expect(await valuesOf(bytes)).toEqual([
    [
      'a',
      [
        ['x', ['float32', [2], [1, 2]]],
        ['y', ['float32', [2], [1, 2]]],
      ],
    ],
    ['b', [['x', ['float32', [2], [1, 2]]]]],
  ]);
});

test('refuses a name that comes twice', async () => {
  await expect(
    collect(
      writePtDict(
        each([
          ['a', 1],
          ['a', 2],
        ]),
      ),
    ),
  ).rejects.toThrow('two entries are called "a"');
});
