import { fileURLToPath } from 'node:url';
import { openFile } from '@deepearth/formats/file-source-node';
import { openSafetensors } from '@deepearth/formats/safetensors';
import { describe, expect, it } from 'vitest';
import { imageNet, type PictureProcessing } from './picture-processing.ts';
import { prepareClip } from './preprocess.ts';
import { readPicture } from './read-picture.ts';
import { resize } from './resize.ts';

const fixtures = fileURLToPath(new URL('../fixtures/', import.meta.url));
const pictures = ['20x31', '36x200', '211x150'];

async function expected(name: string): Promise<ArrayLike<number>> {
  const source = await openFile(`${fixtures}processors.safetensors`);
  try {
    return (await (await openSafetensors(source)).tensor(name)).data as ArrayLike<number>;
  } finally {
    await source.close();
  }
}

const difference = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  expect(a.length).toBe(b.length);
  return Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
};

/**
 * Processors of other encoders. DINOv2's is bit for bit that of torchvision's 8-bit path: no tolerance. DINOv3's is
 * computed in 32-bit floats, in another order and with filters that torch computes in 32 bits: normalised values, up to
 * 2.7, agree to 5e-6.
 */
const cases: readonly (readonly [
  name: string,
  crops: number[],
  patch: number,
  tolerance: number,
  PictureProcessing,
])[] = [
  [
    'dinov2',
    [28, 42],
    14,
    0,
    { resize: { shortestEdge: 256, crop: 224 }, interpolation: 'bicubic', resizedAs: 'uint8', ...imageNet },
  ],
  ['dinov3', [32, 48], 16, 5e-6, { resize: 'exact', interpolation: 'bilinear', resizedAs: 'float32', ...imageNet }],
];

describe('processors of other encoders, as transformers has them', () => {
  for (const [name, crops, patchSize, tolerance, processing] of cases)
    for (const picture of pictures)
      for (const cropSize of crops)
        it(`${name}, ${picture} at ${cropSize}`, async () => {
          const raster = await readPicture(`${fixtures}preprocess/${picture}.png`);
          const pixels = prepareClip([raster], { cropSize, patchSize, tubelet: 1, processing }).pixels();
          expect(difference(pixels, await expected(`${name}.${picture}.${cropSize}`))).toBeLessThanOrEqual(tolerance);
        });
});

describe.each(['bicubic', 'box', 'hamming'] as const)('%s', (filter) => {
  // Pillow has weights of 22 binary digits, torchvision of 15: they round to neighbouring levels here and there.
  for (const picture of pictures)
    for (const crop of [28, 42])
      it(`is within one level of Pillow's, ${picture} to ${crop}`, async () => {
        const { values } = await readPicture(`${fixtures}preprocess/${picture}.png`);
        const [height, width] = values.shape as [number, number, number];
        const bytes = resize({ data: values.data as Uint8Array, height, width }, crop, crop, filter);
        expect(difference(bytes, await expected(`${filter}.${picture}.${crop}`))).toBeLessThanOrEqual(1);
      });
});
