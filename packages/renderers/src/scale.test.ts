import { tensor } from '@deepearth/core';
import { resize } from '@deepearth/vision/resize';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { scaled } from './scale.ts';

const picture = fc
  .tuple(fc.integer({ min: 2, max: 9 }), fc.integer({ min: 2, max: 9 }))
  .chain(([height, width]) =>
    fc.tuple(
      fc.uint8Array({ minLength: height * width * 3, maxLength: height * width * 3 }),
      fc.constant([height, width, 3]),
    ),
  );

test('a picture that grows by no whole factor is resized as for the encoder, bicubic, into the room it is given', async () => {
  await fc.assert(
    fc.asyncProperty(picture, fc.integer({ min: 1, max: 30 }), async ([data, shape], more) => {
      const [height, width] = shape as unknown as [number, number];
      const edge = width + more;
      fc.pre(edge % width !== 0);
      let room: Uint8Array | undefined;
      const made = await scaled(tensor('uint8', shape, data), edge, false, (...size) => {
        expect(size).toEqual([Math.round((height * edge) / width), edge]);
        return (room = new Uint8Array(size[0] * size[1] * 3));
      });
      expect(made.data).toBe(room);
      expect(made.data).toEqual(resize({ data, height, width }, made.shape[0]!, edge, 'bicubic'));
    }),
  );
});

test('plain colours stay plain, and bands meet without a seam', async () => {
  const plain = await scaled(tensor('uint8', [5, 7, 3], new Uint8Array(105).fill(201)), 16, false);
  expect(new Set(plain.data)).toEqual(new Set([201]));
  // More rows than a band has.
  const [height, width, edge] = [300, 400, 1001];
  const data = Uint8Array.from({ length: height * width * 3 }, (_, at) => 128 + 120 * Math.sin(at / 17));
  const large = await scaled(tensor('uint8', [height, width, 3], data), edge, false);
  expect(Buffer.compare(large.data, resize({ data, height, width }, large.shape[0]!, edge, 'bicubic'))).toBe(0);
});
