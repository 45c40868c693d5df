// Blocks of a raster that is written: made smaller for overviews, and compressed.

import { deflate } from 'node:zlib';

/** What can be written. */
export type CogSamples = Uint8Array | Uint16Array | Float32Array;

/** What blocks of a raster have in common. */
export interface BlockKind {
  /** Edge in pixels, a multiple of 16. */
  readonly edge: number;
  /** Samples of a pixel. */
  readonly bands: number;
  /** Value of pixels without data: NaN for floats. Not where the last band is opacity. */
  readonly nodata?: number | undefined;
  /** Whether the last band is opacity, 0 or 255. */
  readonly alpha: boolean;
  /** What a pixel of an overview is of those that hold data: their mean, or the value that most have. */
  readonly resampling: 'mean' | 'mode';
}

const isHole = (value: number, nodata: number | undefined): boolean =>
  nodata !== undefined && (value === nodata || (Number.isNaN(value) && Number.isNaN(nodata)));

/**
 * A quarter of a block of the next overview: `values` (`[edge, edge, bands]`) with two rows and two columns made one,
 * written to the quarter at (`right`, `down`) of `out`. Only `width x height` pixels of the block are part of the
 * raster.
 */
export function shrinkInto(
  out: CogSamples,
  values: CogSamples,
  { edge, bands, nodata, alpha, resampling }: BlockKind,
  size: { readonly width: number; readonly height: number },
  right: 0 | 1,
  down: 0 | 1,
): void {
  const half = edge / 2;
  const found: number[] = [];
  for (let y = 0; y * 2 < size.height; y++)
    for (let x = 0; x * 2 < size.width; x++) {
      const to = ((down * half + y) * edge + right * half + x) * bands;
      for (let band = 0; band < bands; band++) {
        found.length = 0;
        for (let row = y * 2; row < Math.min(y * 2 + 2, size.height); row++)
          for (let column = x * 2; column < Math.min(x * 2 + 2, size.width); column++) {
            const at = (row * edge + column) * bands;
            const value = values[at + band]!;
            if (alpha ? values[at + bands - 1] : !isHole(value, nodata)) found.push(value);
          }
        out[to + band] = found.length ? summary(found, resampling, out) : (nodata ?? 0);
      }
    }
}

function summary(found: readonly number[], resampling: BlockKind['resampling'], out: CogSamples): number {
  if (resampling === 'mode') {
    let [best, most] = [found[0]!, 0];
    for (const value of found) {
      const count = found.filter((other) => other === value).length;
      if (count > most || (count === most && value < best)) [best, most] = [value, count];
    }
    return best;
  }
  const mean = found.reduce((sum, value) => sum + value, 0) / found.length;
  return out instanceof Float32Array ? mean : Math.floor(mean + 0.5);
}

/** TIFF's predictor for the type: differences of whole numbers, or of the bytes of floats. */
export const predictorOf = (values: CogSamples): 2 | 3 => (values instanceof Float32Array ? 3 : 2);

/** A block as it is stored: differences, deflated. */
export function compress(values: CogSamples, { edge, bands }: Pick<BlockKind, 'edge' | 'bands'>): Promise<Uint8Array> {
  const bytes =
    values instanceof Float32Array ? floatDifferences(values, edge, bands) : differences(values, edge, bands);
  return new Promise((resolve, reject) => {
    deflate(bytes, { level: 6 }, (error, result) => (error ? reject(error) : resolve(result)));
  });
}

function differences(values: Uint8Array | Uint16Array, edge: number, bands: number): Uint8Array {
  const out = values.slice();
  const line = edge * bands;
  for (let row = 0; row < edge; row++)
    for (let i = (row + 1) * line - 1; i >= row * line + bands; i--) out[i] = out[i]! - out[i - bands]!;
  return new Uint8Array(out.buffer, out.byteOffset, out.byteLength);
}

/** Each row as its most significant bytes, then the next ones, and these as differences (Adobe Technical Note 3). */
function floatDifferences(values: Float32Array, edge: number, bands: number): Uint8Array {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const out = new Uint8Array(bytes.length);
  const count = edge * bands;
  for (let row = 0; row < edge; row++) {
    const at = row * count * 4;
    for (let i = 0; i < count; i++)
      for (let byte = 0; byte < 4; byte++) out[at + byte * count + i] = bytes[at + i * 4 + 3 - byte]!;
    for (let i = at + count * 4 - 1; i >= at + bands; i--) out[i] = out[i]! - out[i - bands]!;
  }
  return out;
}
