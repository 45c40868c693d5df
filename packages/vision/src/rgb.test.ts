import { tensor } from '@deepearth/core';
import { expect, test } from 'vitest';
import { toRgb } from './rgb.ts';

const frame = { locator: { source: 'source/frames', uri: 'a.tif' } };

test('8-bit RGB is answered as it is', () => {
  const values = tensor('uint8', [1, 2, 3], Uint8Array.from([1, 2, 3, 4, 5, 6]));
  expect(toRgb({ values, channels: ['red', 'green', 'blue'] }, frame)).toBe(values.data);
});

test('channels are found by name', () => {
  const values = tensor('uint8', [1, 1, 4], Uint8Array.from([1, 2, 3, 4]));
  expect([...toRgb({ values, channels: ['blue', 'green', 'red', 'nir'] }, frame)]).toEqual([3, 2, 1]);
});

test('one channel is grey, and other types are scaled by their range', () => {
  expect([
    ...toRgb({ values: tensor('uint16', [1, 1, 1], Uint16Array.from([65535])), channels: ['b04'] }, frame),
  ]).toEqual([255, 255, 255]);
  expect([
    ...toRgb({ values: tensor('float32', [1, 2, 1], Float32Array.from([0.5, NaN])), channels: ['x'] }, frame),
  ]).toEqual([128, 128, 128, 0, 0, 0]);
  expect([...toRgb({ values: tensor('int16', [1, 1, 1], Int16Array.from([-5])), channels: ['x'] }, frame)]).toEqual([
    0, 0, 0,
  ]);
});

test('pixels without data are black', () => {
  expect([
    ...toRgb(
      {
        values: tensor('uint8', [1, 2, 3], new Uint8Array(6).fill(9)),
        channels: ['r', 'g', 'b'],
        valid: Uint8Array.from([1, 0]),
      },
      frame,
    ),
  ]).toEqual([9, 9, 9, 0, 0, 0]);
});
