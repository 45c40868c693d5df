import { itemShelf } from '@deepearth/core/item-shelf';
import { tensor } from '@deepearth/core/tensor';
import { halfFromFloat32 } from '@deepearth/core/half';
import type { TokenGrid } from '@deepearth/core/items';
import { makeTokens } from '@deepearth/testing';
import { memoryScratch } from '@deepearth/core/memory-store';
import { expect, test } from 'vitest';
import { namedToken, tokenSpool, tokenStore, type Precision, type Spool } from './spool.ts';

const never = new AbortController().signal;
const spoolOf = (precision: Precision): Spool =>
  tokenSpool(tokenStore(memoryScratch(), precision), itemShelf(memoryScratch()), never);
const [first, second] = makeTokens({ count: 2 }) as [TokenGrid, TokenGrid];
const withValues = (grid: TokenGrid, data: Float32Array): TokenGrid => ({
  ...grid,
  values: tensor('float32', grid.values.shape, data),
});
const map = (grid: TokenGrid, change: (value: number, index: number) => number): TokenGrid =>
  withValues(grid, (grid.values.data as Float32Array).map(change));

test('float32 keeps every bit, in any order of reading', async () => {
  const spool = spoolOf('float32');
  await spool.append(first);
  await spool.append(second);
  expect((await spool.read(1)).rows).toEqual(second.values.data);
  expect((await spool.read(0)).rows).toEqual(first.values.data);
  expect([spool.rows, spool.channels, spool.grids.length]).toEqual([48, 16, 2]);
});

test.each([1, 1e7, 1e-9, 0])('float16 keeps 11 bits of values of the size %f', async (size) => {
  const spool = spoolOf('float16');
  const grid = map(first, (value) => value * size);
  const { rows } = await spool.append(grid);
  expect(rows).toEqual(grid.values.data);
  const back = (await spool.read(0)).rows;
  const largest = rows.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  back.forEach((value, i) =>
    expect(Math.abs(value - rows[i]!)).toBeLessThanOrEqual(Math.max(Math.abs(rows[i]!) * 2 ** -11, largest * 2 ** -24)),
  );
});

test('tokens that come as float16 are kept as they are', async () => {
  const spool = spoolOf('float16');
  const bits = halfFromFloat32(first.values.data as Float32Array);
  const { rows } = await spool.append({ ...first, values: tensor('float16', first.values.shape, bits) });
  expect((await spool.read(0)).rows).toEqual(rows);
});

test('tokens that saw no data are left out, and the mask comes back', async () => {
  const spool = spoolOf('float32');
  const valid = Uint8Array.from({ length: 24 }, (_, token) => (token % 5 === 0 ? 0 : 10 * token));
  const broken = map(first, (value, i) => (valid[Math.floor(i / 16)] ? value : NaN));
  await spool.append({ ...broken, valid });
  await spool.append(second);
  expect(spool.grids.map(({ rows, tokens }) => [rows, tokens])).toEqual([
    [19, 24],
    [24, 24],
  ]);
  const back = await spool.read(0);
  expect(back.valid).toEqual(valid);
  expect(back.rows).toEqual((first.values.data as Float32Array).filter((_, i) => valid[Math.floor(i / 16)]));
  expect(await spool.mask(1)).toBeUndefined();
});

test('a bad token is named; another width or another encoder is refused; nothing of them is kept', async () => {
  const spool = spoolOf('float16');
  await spool.append(first);
  await expect(spool.append(map(second, (value, i) => (i === 16 * 17 + 3 ? -Infinity : value)))).rejects.toThrow(
    `${second.id}: the token at time 1, row 1, column 1, channel 3, is -Infinity`,
  );
  await expect(spool.append(makeTokens({ channels: 8 })[0]!)).rejects.toThrow(
    'has tokens of 8 numbers, the grids before it 16',
  );
  await expect(spool.append({ ...second, encoder: { name: 'other', fingerprint: 'abc' } })).rejects.toThrow(
    /was made by other \(abc\).*by made tokens/,
  );
  await expect(spool.append({ ...second, valid: new Uint8Array(3) })).rejects.toThrow(
    'its mask has 3 entries for 24 tokens',
  );
  expect(spool.rows).toBe(24);
});

test('a token is named by its place', () => {
  expect(namedToken(2 * 12 + 1 * 4 + 3, [5, 3, 4])).toBe('the token at time 2, row 1, column 3');
  expect(namedToken(7, [10])).toBe('the token at axis 0 7');
  expect(namedToken(7, [10], ['token', 'channels'])).toBe('the token at token 7');
});
