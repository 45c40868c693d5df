import { spec, tensor } from '@deepearth/core';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { cacheRoom, roomFor } from './cache-room.ts';
import { pixelCache } from './pixel-cache.ts';

const mebibyte = 2 ** 20;

test('there is room for a clip and the next, and for 64 to 256 MiB', () => {
  fc.assert(
    fc.property(fc.nat({ max: 2 ** 40 }), (bytes) => {
      const room = roomFor(bytes);
      expect(room).toBeGreaterThanOrEqual(64 * mebibyte);
      expect(room).toBeLessThanOrEqual(256 * mebibyte);
      expect(room >= 40 * bytes || room === 256 * mebibyte).toBe(true);
    }),
  );
});

test('a plan counts what the options say, else what frames of that size take', () => {
  const stream = spec('frame', { height: 1080, width: 1920, channels: 3 }, 'uint8', 64);
  expect(cacheRoom(0, stream)).toBe(0);
  expect(cacheRoom(undefined, stream)).toBe(40 * 1920 * 1080 * 3);
  expect(cacheRoom(undefined, spec('frame', { height: null, width: null, channels: 3 }, 'uint8', null))).toBe(
    64 * mebibyte,
  );
});

test('a cache without a size keeps forty large pictures in memory, and asks for its file with the next', async () => {
  let asked = 0;
  const cache = pixelCache({
    diskBytes: 2 ** 30,
    path: () => {
      asked++;
      return Promise.reject(Object.assign(new Error('no room'), { code: 'ENOSPC' }));
    },
  });
  const raster = {
    values: tensor('uint8', [1024, 1024, 2], new Uint8Array(2 * mebibyte)),
    channels: ['grey', 'infrared'],
  };
  for (let at = 0; at < 40; at++) await cache.set(`${at}`, raster);
  expect(asked).toBe(0);
  expect(cache.has('0')).toBe(true);
  await cache.set('40', raster);
  expect(asked).toBe(1);
  await cache.close();
});
