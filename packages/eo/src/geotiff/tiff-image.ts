// One picture of a TIFF: how it is stored, and its samples, read block by block.

import { InputError, type Rectangle } from '@deepearth/core';
import type { ByteSource } from '@deepearth/core/byte-source';
import { codecs, type BlockShape } from './codecs.ts';
import {
  makeSamples,
  rowBytes,
  sampleType,
  toSamples,
  wideType,
  type Samples,
  type SampleType,
  type WideType,
} from './samples.ts';
import type { TiffDirectory } from './tiff-directory.ts';

/** How a picture is stored. */
export interface TiffLayout {
  readonly width: number;
  readonly height: number;
  /** Samples of a pixel: bands. */
  readonly samples: number;
  readonly type: SampleType;
  /** Where they are whole numbers of 64 bits, which are read as float64: what the file has. */
  readonly wide?: WideType | undefined;
  /** Bits of a sample in the file. */
  readonly bits: number;
  readonly compression: number;
  readonly photometric: number;
  readonly predictor: number;
  /** Whether each band is stored by itself. */
  readonly planar: boolean;
  readonly tiled: boolean;
  readonly blockWidth: number;
  readonly blockHeight: number;
  /** What samples beyond the colours are: 0 not said, 1 and 2 opacity. */
  readonly extraSamples: readonly number[];
}

/** A picture whose samples can be read. */
export interface TiffImage extends TiffLayout {
  readonly directory: TiffDirectory;
  /** Whether it is a smaller copy of another. */
  readonly reduced: boolean;
  /** Whether it is the mask of another. */
  readonly isMask: boolean;
  /**
   * Samples of bands (from 0) in a window, `[window.height, window.width]` each. Blocks that are not stored hold
   * `missing`. Throws an `InputError` that names the file and the block: E_FILE_TRUNCATED, E_TIFF_DAMAGED,
   * E_TIFF_COMPRESSION.
   */
  read(bands: readonly number[], window: Rectangle, options?: ReadBlocksOptions): Promise<Samples[]>;
  /** Throws an `InputError` with the code E_FILE_TRUNCATED where a block lies outside the file; reads none. */
  checkWhole(): Promise<void>;
}

/** How blocks are read. */
export interface ReadBlocksOptions {
  /** Value of blocks that are not stored; 0 by default. */
  readonly missing?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A strip or tile that is larger when decoded is refused. */
const mostBlockBytes = 2 ** 30;
/** Blocks that are read and decoded at a time. */
const atOnce = 4;
/** Blocks that lie no farther apart than this are asked for together. */
const mostGap = 1 << 14;
const mostTogether = 1 << 22;

const remedies = {
  again: 'Copy it again from where it came from.',
  translate: (options: string): string => `Write it anew with \`gdal_translate ${options} IN.tif OUT.tif\`.`,
};

/** Reads what a directory says of its picture. Throws an `InputError` for what makes no sense or is not read. */
export async function tiffImage(
  source: ByteSource,
  directory: TiffDirectory,
  littleEndian: boolean,
): Promise<TiffImage> {
  const { name } = source;
  const damaged = (message: string): InputError =>
    new InputError(name, message, { code: 'E_TIFF_DAMAGED', remedy: remedies.again });
  const number = async (tag: Parameters<TiffDirectory['number']>[0], otherwise: number): Promise<number> =>
    (await directory.number(tag)) ?? otherwise;
  const [width, height, samples] = [
    await number('imageWidth', 0),
    await number('imageLength', 0),
    await number('samplesPerPixel', 1),
  ];
  if (!(width > 0 && height > 0 && samples > 0 && samples <= 65_535))
    throw damaged(`says that it has ${width} x ${height} pixels of ${samples} bands.`);
  const allBits = await directory.numbers('bitsPerSample');
  const allFormats = await directory.numbers('sampleFormat');
  const [bits = 1, format = 1] = [allBits[0], allFormats[0]];
  if (allBits.some((each) => each !== bits) || allFormats.some((each) => each !== format))
    throw new InputError(name, 'has bands of different types.', {
      code: 'E_TIFF_TYPE',
      remedy: remedies.translate('-ot Float32'),
    });
  const type = sampleType(format, bits);
  if (!type)
    throw new InputError(name, `holds ${typeName(format)} of ${bits} bits, which are not read.`, {
      code: 'E_TIFF_TYPE',
      remedy:
        format > 4 ? 'Write their real part or their absolute value as floats.' : remedies.translate('-ot Float64'),
    });
  const tiled = directory.has('tileWidth');
  const blockWidth = tiled ? await number('tileWidth', 0) : width;
  const blockHeight = tiled ? await number('tileLength', 0) : Math.min(await number('rowsPerStrip', height), height);
  const planar = (await number('planarConfiguration', 1)) === 2;
  const perBlock = planar ? 1 : samples;
  if (!(blockWidth > 0 && blockHeight > 0)) throw damaged(`has blocks of ${blockWidth} x ${blockHeight} pixels.`);
  const bytes = blockHeight * rowBytes(blockWidth * perBlock, bits);
  if (bytes > mostBlockBytes)
    throw new InputError(name, `has blocks of ${bytes} bytes each (${blockWidth} x ${blockHeight} pixels).`, {
      code: 'E_TIFF_BLOCK',
      remedy: remedies.translate('-co TILED=YES'),
    });
  const across = Math.ceil(width / blockWidth);
  const down = Math.ceil(height / blockHeight);
  const kind = await number('newSubfileType', 0);
  const layout: TiffLayout = {
    width,
    height,
    samples,
    type,
    wide: wideType(format, bits),
    bits,
    compression: await number('compression', 1),
    photometric: await number('photometric', 1),
    predictor: await number('predictor', 1),
    planar,
    tiled,
    blockWidth,
    blockHeight,
    extraSamples: await directory.numbers('extraSamples'),
  };
  const shape = await blockShapes(directory, layout, format === 3 ? bits : 0);
  const fillOrder = await number('fillOrder', 1);
  const lists = async (): Promise<{ offsets: readonly number[]; counts: readonly number[] }> => {
    const [offsets, counts] = await Promise.all([
      directory.numbers(tiled ? 'tileOffsets' : 'stripOffsets'),
      directory.numbers(tiled ? 'tileByteCounts' : 'stripByteCounts'),
    ]);
    const needed = across * down * (planar ? samples : 1);
    if (offsets.length < needed || counts.length < needed)
      throw damaged(`lists ${Math.min(offsets.length, counts.length)} of its ${needed} ${tiled ? 'tiles' : 'strips'}.`);
    return { offsets, counts };
  };

  /** The rows that a block holds, for messages. */
  const whichBlock = (index: number): string => {
    const top = Math.floor((index % (across * down)) / across) * blockHeight;
    return `${tiled ? 'tile' : 'strip'} ${index} (rows ${top} to ${Math.min(top + blockHeight, height) - 1})`;
  };
  const checkInside = ({ index, offset, length }: Pick<Block, 'index' | 'offset' | 'length'>): void => {
    if (offset + length <= source.size) return;
    throw new InputError(
      name,
      `ends at byte ${source.size}, and ${whichBlock(index)} lies at bytes ${offset} to ${offset + length}: the file was cut short.`,
      { code: 'E_FILE_TRUNCATED', remedy: remedies.again },
    );
  };

  return {
    ...layout,
    directory,
    reduced: (kind & 1) === 1,
    isMask: (kind & 4) === 4,
    async read(bands, window, { missing = 0, signal } = {}) {
      const codec = codecs[layout.compression];
      if (!codec?.decode)
        throw new InputError(
          name,
          `is compressed with ${codec?.name ?? `method ${layout.compression}`}, which is not read.`,
          {
            code: 'E_TIFF_COMPRESSION',
            remedy: remedies.translate('-co COMPRESS=DEFLATE'),
          },
        );
      const { offsets, counts } = await lists();
      const out = bands.map(() => makeSamples(type, window.width * window.height));
      const blocks: Block[] = [];
      const planes = planar ? [...new Set(bands)] : [0];
      for (const plane of planes)
        for (let row = Math.floor(window.y / blockHeight); row * blockHeight < window.y + window.height; row++)
          for (
            let column = Math.floor(window.x / blockWidth);
            column * blockWidth < window.x + window.width;
            column++
          ) {
            const index = plane * across * down + row * across + column;
            blocks.push({ index, plane, row, column, offset: offsets[index]!, length: counts[index]! });
          }
      const place = (block: Block, samplesOf: Samples | undefined): void => {
        for (const [i, band] of bands.entries()) {
          if (planar && band !== block.plane) continue;
          copyBlock(out[i]!, window, layout, block, samplesOf, planar ? 0 : band, perBlock, missing);
        }
      };
      const decode = async (block: Block, stored: Uint8Array): Promise<void> => {
        const rows = tiled ? blockHeight : Math.min(blockHeight, height - block.row * blockHeight);
        const length = rows * rowBytes(blockWidth * perBlock, bits);
        const what = whichBlock(block.index);
        let raw: Uint8Array;
        try {
          const bytesOf = fillOrder === 2 && !codec.finished ? reversed(stored) : stored;
          raw = await codec.decode!(bytesOf, { ...shape, height: rows, length, most: bytes });
        } catch (cause) {
          signal?.throwIfAborted();
          throw new InputError(name, `${what} cannot be decompressed (${codec.name}): ${saidBy(cause)}.`, {
            code: 'E_TIFF_DAMAGED',
            remedy: remedies.again,
            cause,
          });
        }
        if (raw.length < length)
          throw damaged(`${what} holds ${raw.length} bytes of pixels where ${length} are needed.`);
        // What is decoded in place must not change what a source may keep.
        const own = raw === stored ? raw.slice(0, length) : raw;
        const sampleFormat = {
          type,
          wide: layout.wide,
          bits,
          littleEndian: littleEndian || codec.finished === true,
          predictor: codec.finished ? 1 : layout.predictor,
        };
        let samplesOf: Samples;
        try {
          samplesOf = toSamples(own, rows, blockWidth, perBlock, sampleFormat);
        } catch (cause) {
          throw new InputError(name, `${what} is not read: ${saidBy(cause)}.`, {
            code: 'E_TIFF_TYPE',
            remedy: remedies.translate('-ot Float64'),
            cause,
          });
        }
        place(block, samplesOf);
      };
      const stored = blocks.filter((block) => {
        // GDAL leaves blocks out that hold nothing but the value of no data.
        if (block.length > 0 && block.offset > 0) return true;
        place(block, undefined);
        return false;
      });
      await eachOf(together(stored), atOnce, async (group) => {
        signal?.throwIfAborted();
        const first = group[0]!;
        const end = Math.max(...group.map(({ offset, length }) => offset + length));
        for (const block of group) checkInside(block);
        const bytesOf = await source.read(first.offset, end - first.offset, signal);
        const part = ({ offset, length }: Block): Uint8Array =>
          bytesOf.subarray(offset - first.offset, offset - first.offset + length);
        await Promise.all(group.map((block) => decode(block, part(block))));
      });
      return out;
    },
    async checkWhole() {
      const { offsets, counts } = await lists();
      for (let index = 0; index < offsets.length; index++)
        checkInside({ index, offset: offsets[index]!, length: counts[index]! });
    },
  };
}

async function blockShapes(
  directory: TiffDirectory,
  { blockWidth, planar, samples, photometric, compression }: TiffLayout,
  floatBits: number,
): Promise<Omit<BlockShape, 'height' | 'length' | 'most'>> {
  return {
    width: blockWidth,
    samples: planar ? 1 : samples,
    photometric,
    floatBits,
    ...(compression === 7 && { jpegTables: await directory.bytes('jpegTables') }),
    ...(compression === 34887 && { lercCompression: (await directory.numbers('lercParameters'))[1] }),
  };
}

interface Block {
  readonly index: number;
  readonly plane: number;
  readonly row: number;
  readonly column: number;
  readonly offset: number;
  readonly length: number;
}

/** Copies what a window shows of one band of a block; `undefined` is a block of `missing`. */
function copyBlock(
  out: Samples,
  window: Rectangle,
  { blockWidth, blockHeight, width, height }: TiffLayout,
  { row, column }: Block,
  samples: Samples | undefined,
  first: number,
  step: number,
  missing: number,
): void {
  const left = Math.max(column * blockWidth, window.x);
  const right = Math.min((column + 1) * blockWidth, window.x + window.width, width);
  const top = Math.max(row * blockHeight, window.y);
  const bottom = Math.min((row + 1) * blockHeight, window.y + window.height, height);
  for (let y = top; y < bottom; y++) {
    const to = (y - window.y) * window.width + left - window.x;
    if (!samples) {
      out.fill(missing, to, to + right - left);
      continue;
    }
    let from = ((y - row * blockHeight) * blockWidth + left - column * blockWidth) * step + first;
    if (step === 1) out.set(samples.subarray(from, from + right - left), to);
    else for (let i = to, end = to + right - left; i < end; i++, from += step) out[i] = samples[from]!;
  }
}

/** Blocks in the order in which they lie in the file, those that are neighbours together. */
function together(blocks: readonly Block[]): Block[][] {
  const groups: Block[][] = [];
  let end = -Infinity;
  for (const block of [...blocks].sort((a, b) => a.offset - b.offset)) {
    const group = groups.at(-1);
    if (group && block.offset - end <= mostGap && block.offset + block.length - group[0]!.offset <= mostTogether)
      group.push(block);
    else groups.push([block]);
    end = Math.max(end, block.offset + block.length);
  }
  return groups;
}

async function eachOf<T>(all: readonly T[], most: number, work: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  let failed = false;
  const worker = async (): Promise<void> => {
    while (next < all.length && !failed)
      try {
        await work(all[next++]!);
      } catch (error) {
        failed = true;
        throw error;
      }
  };
  await Promise.all(Array.from({ length: Math.min(most, all.length) }, worker));
}

function reversed(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte) => {
    let out = 0;
    for (let bit = 0; bit < 8; bit++) if (byte & (1 << bit)) out |= 128 >> bit;
    return out;
  });
}

const typeName = (format: number): string =>
  ({
    1: 'whole numbers',
    2: 'signed whole numbers',
    3: 'floating-point numbers',
    5: 'complex whole numbers',
    6: 'complex numbers',
  })[format] ?? `samples of format ${format}`;

const saidBy = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause)).replace(/\.$/, '');
