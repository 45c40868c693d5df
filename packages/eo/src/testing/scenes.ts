// Writes small GeoTIFFs for tests.

import { writeFile } from 'node:fs/promises';
import type { CogSamples } from '../geotiff/cog-blocks.ts';
import { writeCog, type CogRaster } from '../geotiff/write-cog.ts';

/** The value of a pixel in a band. */
export type Value = (x: number, y: number, band: number) => number;

const arrays = { uint8: Uint8Array, uint16: Uint16Array, float32: Float32Array };

/** A raster whose pixels a function says: 40 x 30 pixels of 10 m, 3 bands of uint16 in UTM 33 north unless told. */
export function madeRaster(value: Value, more: Partial<CogRaster> = {}): CogRaster {
  const made = {
    width: 40,
    height: 30,
    bands: 3,
    type: 'uint16' as const,
    crs: 'EPSG:32633',
    transform: [10, 0, 399_960, 0, -10, 5_300_040] as CogRaster['transform'],
    resampling: 'mean' as const,
    ...more,
  };
  return {
    ...made,
    read(part) {
      const out: CogSamples = new arrays[made.type](part.width * part.height * made.bands);
      for (let i = 0; i < out.length; i++) {
        const pixel = Math.floor(i / made.bands);
        out[i] = value(part.x + (pixel % part.width), part.y + Math.floor(pixel / part.width), i % made.bands);
      }
      return out;
    },
  };
}

/** The bytes of a file. */
export async function cogBytes(raster: CogRaster): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of writeCog(raster)) parts.push(part);
  return Buffer.concat(parts);
}

/** Writes such a raster. */
export async function writeScene(path: string, value: Value, more: Partial<CogRaster> = {}): Promise<void> {
  await writeFile(path, await cogBytes(madeRaster(value, more)));
}
