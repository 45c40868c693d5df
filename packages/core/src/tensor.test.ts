// A part of a tensor is what its axes and strides say.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { elementCount, select, tensor } from './tensor.ts';

const counted = (shape: readonly number[]) =>
  tensor(
    'float32',
    shape,
    Float32Array.from({ length: elementCount(shape) }, (_, i) => i),
  );

test('one place of an axis is what strides say, and taking axis after axis ends at the value', () => {
  const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(shapes, fc.infiniteStream(fc.nat()), (shape, numbers) => {
      const whole = counted(shape);
      const place = shape.map((size) => numbers.next().value! % size);
      const axis = numbers.next().value! % shape.length;
      const part = select(whole, axis, place[axis]!);
      expect(part.shape).toEqual(shape.filter((_, i) => i !== axis));
      const inner = elementCount(shape.slice(axis + 1));
      expect([...part.data]).toEqual(
        [...whole.data].filter((_, i) => Math.floor(i / inner) % shape[axis]! === place[axis]),
      );
      const flat = place.reduce((at, index, i) => at * shape[i]! + index, 0);
      expect([...place.reduce((rest, index) => select(rest, 0, index), whole).data]).toEqual([flat]);
    }),
  );
});

test('along the first axis it is a view', () => {
  const whole = counted([3, 2]);
  expect(select(whole, 0, 1).data.buffer).toBe(whole.data.buffer);
});

test('complex numbers are taken in pairs', () => {
  const pairs = tensor('complex64', [2, 2], Float32Array.from([0, 1, 2, 3, 4, 5, 6, 7]));
  expect([...select(pairs, 1, 1).data]).toEqual([2, 3, 6, 7]);
});

test('an axis or a place that there is not is refused', () => {
  expect(() => select(counted([2, 3]), 2, 0)).toThrow(new RangeError('axis 2 of a tensor of 2'));
  for (const index of [-1, 3, 0.5])
    expect(() => select(counted([2, 3]), 1, index)).toThrow(new RangeError(`place ${index} of 3 along axis 1`));
});
