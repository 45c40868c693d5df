// Decodes LERC blocks of a TIFF, laid out as libtiff lays them out, with Esri's decoder in WebAssembly.

import type * as Library from 'lerc';

/** What a block has to be. */
export interface LercShape {
  readonly width: number;
  readonly height: number;
  /** Samples of a pixel. */
  readonly samples: number;
  /** Bytes of all samples. */
  readonly length: number;
  /** Bits of a floating-point sample; 0 for whole numbers. */
  readonly floatBits: number;
}

let loading: Promise<typeof Library> | undefined;

/** The library, loaded once. */
const loadLerc = (): Promise<typeof Library> =>
  (loading ??= (async () => {
    const library = await import('lerc');
    await library.load();
    return library;
  })());

/**
 * Samples of a block, pixel by pixel. Throws an `Error` for bytes that are no LERC or hold another block.
 *
 * libtiff writes the samples of a pixel as one band of that depth; as bands of their own where NaN stands in some of
 * them alone, because NaN is what a mask of the band leaves out; and opacity of 0 and 255 as the mask, beside one
 * sample less.
 */
export async function decodeLerc(bytes: Uint8Array, shape: LercShape): Promise<Uint8Array> {
  const { width, height, samples, length, floatBits } = shape;
  const library = await loadLerc();
  const image = library.decode(bytes, { returnInterleaved: true });
  const bands = image.pixels.length;
  const depth = image.depthCount;
  const valueBytes = length / (width * height * samples);
  const opacity = bands === 1 && depth === samples - 1 && valueBytes === 1;
  const fits =
    image.width === width &&
    image.height >= height &&
    image.pixels[0]?.BYTES_PER_ELEMENT === valueBytes &&
    (bands * depth === samples || opacity);
  if (!fits)
    throw new Error(
      `it holds ${image.width} x ${image.height} pixels of ${bands * depth} samples, not ${width} x ${height} of ${samples}`,
    );
  const out = new Uint8Array(length);
  const nan = floatBits ? nanBytes(valueBytes) : undefined;
  for (const [band, values] of image.pixels.entries()) {
    const from = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    const mask = image.bandMasks?.[band] ?? image.mask;
    if (bands === 1 && !opacity) {
      out.set(from.subarray(0, length));
      if (!nan || !mask) continue;
    }
    const perValue = mask ? mask.length >= image.width * image.height * depth && depth > 1 : false;
    for (let pixel = 0; pixel < width * height; pixel++) {
      for (let d = 0; d < depth; d++) {
        const to = (pixel * samples + band * depth + d) * valueBytes;
        const held = !mask || mask[perValue ? pixel * depth + d : pixel] !== 0;
        if (nan && !held) out.set(nan, to);
        else if (bands > 1 || opacity)
          for (let byte = 0; byte < valueBytes; byte++) out[to + byte] = from[(pixel * depth + d) * valueBytes + byte]!;
      }
      if (opacity) out[pixel * samples + depth] = !mask || mask[pixel] ? 255 : 0;
    }
  }
  return out;
}

/** NaN as little-endian bytes. */
const nanBytes = (size: number): Uint8Array =>
  new Uint8Array((size === 8 ? Float64Array.of(NaN) : Float32Array.of(NaN)).buffer);
