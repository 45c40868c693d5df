import { tensor } from '@deepearth/core/tensor';
import type { TokenGrid } from '@deepearth/core/items';
import { describe, expect, test } from 'vitest';
import { bytesSource } from './bytes.ts';
import { encodeSafetensors } from './safetensors.ts';
import { describeTokenFile, readTokenFile } from './token-file.ts';

const frame = (number: number) => ({
  kind: 'frame' as const,
  id: `frame-${number}`,
  key: `${number}`.repeat(8),
  number,
  seconds: number / 4,
  origin: `a/f${number}.tif`,
  width: 8,
  height: 8,
  read: () => Promise.reject(new Error('not here')),
});
const tokens: TokenGrid = {
  kind: 'tokens',
  id: 'clip-000002',
  key: 'abcdef0123456789',
  values: tensor(
    'float32',
    [1, 2, 2, 3],
    Float32Array.from({ length: 12 }, (_, i) => i / 7),
  ),
  valid: Uint8Array.from([1, 1, 0, 1]),
  clip: { kind: 'clip', id: 'clip-000002', key: 'cc', index: 2, frames: [frame(5), frame(6)], padded: 0 },
  geometry: { frameWidth: 8, frameHeight: 8, x: 0.5, y: 0, width: 7, height: 8 },
  encoder: { name: 'some encoder', fingerprint: 'ffee' },
};
const write = async (
  change: (file: ReturnType<typeof describeTokenFile>) => void = () => undefined,
): Promise<Uint8Array> => {
  const file = describeTokenFile(tokens);
  change(file);
  return encodeSafetensors(file.tensors, file.metadata);
};
const read = async (change?: Parameters<typeof write>[0]) =>
  readTokenFile(bytesSource(await write(change), 'tokens.safetensors'));

describe('a token file', () => {
  test('reads back as it was written', async () => {
    const back = await read();
    const { id, key, values, valid, geometry, encoder } = tokens;
    expect(back).toMatchObject({ id, key, values, valid, geometry, encoder });
    expect(back.clip).toEqual({
      id: 'clip-000002',
      key: 'cc',
      index: 2,
      padded: 0,
      frames: [5, 6].map((number) => ({
        number,
        key: `${number}`.repeat(8),
        origin: `a/f${number}.tif`,
        seconds: number / 4,
      })),
    });
  });

  test('has no mask where all tokens are good', async () => {
    expect((await read((file) => delete file.tensors['valid'])).valid).toBeUndefined();
  });

  test('is the same bytes for the same tokens', async () => {
    expect(await write()).toEqual(await write());
  });
});

describe('a file that is none', () => {
  test('is refused with the reason', async () => {
    await expect(read((file) => delete file.metadata['deepearth.tokens'])).rejects.toThrow(
      /tokens\.safetensors: is no token file: its metadata says null for "deepearth\.tokens", expected "1"/,
    );
    await expect(read((file) => void (file.metadata['clip'] = '{'))).rejects.toThrow(
      /the metadata value of "clip" is no JSON/,
    );
    await expect(read((file) => delete file.metadata['geometry'])).rejects.toThrow(/its metadata has no "geometry"/);
    await expect(read((file) => void (file.metadata['encoder'] = 'null'))).rejects.toThrow(
      /lacks frames, geometry or encoder/,
    );
    await expect(read((file) => void (file.tensors['valid'] = tensor('bool', [4], new Uint8Array(4))))).rejects.toThrow(
      /its mask is bool of shape \[4\]/,
    );
    await expect(
      read((file) => void (file.tensors['features'] = tensor('int32', [1, 2, 2, 3], new Int32Array(12)))),
    ).rejects.toThrow(/its features are int32/);
  });
});
