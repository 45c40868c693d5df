// Prepared pictures through an encoder: cut into tiles where asked, encoded in batches, and put together again.

import { InputError } from '@deepearth/core/errors';
import type { Geometry, GlobalTokens } from '@deepearth/core/items';
import { tensor, type Tensor } from '@deepearth/core/tensor';
import type { Encoder } from './encoder.ts';

/** Frames made ready for an encoder; the pixels of a tile are made when asked for. */
export interface PreparedFrames {
  /** Number of frames. */
  readonly frames: number;
  /** Pixels of one tile. */
  readonly height: number;
  readonly width: number;
  readonly tiles: { readonly rows: number; readonly columns: number };
  readonly geometry: Geometry;
  /** `[time, rows, columns]` of the whole grid, from 0 (a token sees no data) to 255; absent when all are whole. */
  readonly valid?: Uint8Array;
  /** One tile's normalised pixels, `[frames, 3, height, width]`, written into `out`. */
  pixels(row: number, column: number, out: Float32Array): Float32Array;
  /** Puts the tokens of the tiles together again: `add` takes a copy of a tile's `[time, height, width, channels]`. */
  assemble(
    time: number,
    channels: number,
  ): { add(row: number, column: number, values: Float32Array): void; finish(): Tensor<'float32'> };
}

/** The token grid of prepared frames. */
export interface EncodedFrames {
  /** `[time, height, width, channels]`. */
  readonly values: Tensor<'float32'>;
  /** Tokens of no place, `[time, tiles, names, channels]`, where the encoder has such. */
  readonly globals?: Tensor<'float32'>;
  readonly geometry: Geometry;
  readonly valid?: Uint8Array;
}

interface Piece {
  readonly source: PreparedFrames;
  readonly index: number;
  readonly row: number;
  readonly column: number;
}

/** Tokens whole, or of tiles that are put together. */
interface Result {
  values?: Tensor<'float32'>;
  assembly?: ReturnType<PreparedFrames['assemble']>;
  globals?: Tensor<'float32'>;
}

/**
 * Encodes prepared frames, `batchSize` pieces (each of them, or its tiles) of one shape in a call; one in int8. Returns
 * them in order.
 * Throws an `InputError` for an output that is not finite.
 */
export async function encodeFrames(
  encoder: Encoder,
  sources: readonly PreparedFrames[],
  batchSize: number,
  signal?: AbortSignal,
): Promise<EncodedFrames[]> {
  // The same frames given several times are encoded once.
  const once = [...new Set(sources)];
  const pieces = once.flatMap((source, index) =>
    Array.from({ length: source.tiles.rows * source.tiles.columns }, (_, tile) => ({
      source,
      index,
      row: Math.floor(tile / source.tiles.columns),
      column: tile % source.tiles.columns,
    })),
  );
  const results = once.map((): Result => ({}));
  // In int8 a scale is that of all numbers of a call: one clip would change the tokens of the other.
  const most = encoder.precision === 'int8' ? 1 : batchSize;
  const jobs: Promise<void>[] = [];
  for (let at = 0; at < pieces.length;) {
    const [first] = pieces.slice(at, at + 1) as [Piece];
    let end = at + 1;
    while (end < pieces.length && end - at < most && sameShape(pieces[end]!.source, first.source)) end++;
    const batch = pieces.slice(at, end);
    at = end;
    // One call more than there are devices: its pixels are made while they work.
    if (jobs.length > encoder.devices.length) await jobs.shift();
    const job = encodeBatch(encoder, batch, results, signal);
    job.catch(() => undefined);
    jobs.push(job);
  }
  await Promise.all(jobs);
  const encoded = once.map(({ geometry, valid }, index): EncodedFrames => {
    const { values, assembly, globals } = results[index]!;
    return { values: values ?? assembly!.finish(), geometry, ...(globals && { globals }), ...(valid && { valid }) };
  });
  return sources.map((source) => encoded[once.indexOf(source)]!);
}

const sameShape = (a: PreparedFrames, b: PreparedFrames): boolean =>
  a.frames === b.frames && a.height === b.height && a.width === b.width;

/** Pixels of pieces of one shape, `[pieces, frames, 3, height, width]`. */
export function pixelsOf(pieces: readonly Pick<Piece, 'source' | 'row' | 'column'>[]): Tensor<'float32'> {
  const { frames, height, width } = pieces[0]!.source;
  const size = frames * 3 * height * width;
  const pixels = new Float32Array(pieces.length * size);
  pieces.forEach(({ source, row, column }, i) => source.pixels(row, column, pixels.subarray(i * size, (i + 1) * size)));
  return tensor('float32', [pieces.length, frames, 3, height, width], pixels);
}

async function encodeBatch(
  encoder: Encoder,
  batch: readonly Piece[],
  results: readonly Result[],
  signal?: AbortSignal,
): Promise<void> {
  const { tokens, globals, grid } = await encoder.encode(() => pixelsOf(batch), signal);
  const channels = tokens.shape.at(-1)!;
  const share = (whole: Tensor<'float32'>, i: number): Float32Array => {
    const each = whole.data.length / batch.length;
    return whole.data.subarray(i * each, (i + 1) * each);
  };
  batch.forEach(({ source, index, row, column }, i) => {
    const values = share(tokens, i);
    const result = results[index]!;
    if (!allFinite(values))
      throw new InputError('encoder', 'its output holds NaN or infinity.', {
        code: 'E_NOT_FINITE',
        remedy: 'Try fp32, or check the checkpoint with `deepearth model check`.',
      });
    const tiles = source.tiles.rows * source.tiles.columns;
    if (globals) {
      const own = share(globals, i);
      const [, , names] = globals.shape as [number, number, number];
      result.globals ??= zeros([grid.time, tiles, names, channels]);
      const line = names * channels;
      for (let time = 0; time < grid.time; time++)
        result.globals.data.set(
          own.subarray(time * line, (time + 1) * line),
          (time * tiles + row * source.tiles.columns + column) * line,
        );
    }
    if (tiles > 1) {
      result.assembly ??= source.assemble(grid.time, channels);
      result.assembly.add(row, column, values);
    } else {
      const shape = [grid.time, grid.height, grid.width, channels];
      result.values = tensor('float32', shape, batch.length === 1 ? values : values.slice());
    }
  });
}

/** Nothing times a finite number is nothing; a call for each number takes ten times as long. */
function allFinite(values: Float32Array): boolean {
  let nothing = 0;
  for (let i = 0; i < values.length; i++) nothing += values[i]! * 0;
  return nothing === 0;
}

const zeros = (shape: readonly number[]): Tensor<'float32'> =>
  tensor('float32', shape, new Float32Array(shape.reduce((a, b) => a * b, 1)));

/** One grid of parts that follow one another in time. Throws an `InputError` when their grids differ. */
export function joined(parts: readonly EncodedFrames[]): EncodedFrames {
  const [first] = parts as [EncodedFrames];
  if (parts.length === 1) return first;
  const { geometry } = first;
  const seen = ({ values, geometry: g }: EncodedFrames): string =>
    `${values.shape.slice(1, 3).join(' x ')} tokens of a frame of ${g.frameWidth} x ${g.frameHeight} pixels`;
  const odd = parts.findIndex((part) => seen(part) !== seen(first));
  if (odd >= 0)
    throw new InputError(
      `frame ${odd + 1} of ${parts.length}`,
      `it gives ${seen(parts[odd]!)}, the clip's first frame ${seen(first)}; the frames of a clip need one size.`,
      { code: 'E_FRAME_SIZE' },
    );
  const cells = (values: Tensor<'float32'>): number => values.data.length / values.shape.at(-1)!;
  const globals = parts.flatMap((part) => part.globals ?? []);
  const valid = parts.some((part) => part.valid)
    ? concatenate(
        Uint8Array,
        parts.map((part) => part.valid ?? new Uint8Array(cells(part.values)).fill(255)),
      )
    : undefined;
  return {
    values: along(parts.map(({ values }) => values)),
    ...(globals.length && { globals: along(globals) }),
    geometry,
    ...(valid && { valid }),
  };
}

/** Tensors one after another along their first axis. */
function along(tensors: readonly Tensor<'float32'>[]): Tensor<'float32'> {
  const [, ...rest] = tensors[0]!.shape;
  const steps = tensors.reduce((sum, { shape }) => sum + shape[0]!, 0);
  return tensor(
    'float32',
    [steps, ...rest],
    concatenate(
      Float32Array,
      tensors.map(({ data }) => data),
    ),
  );
}

function concatenate<T extends Uint8Array | Float32Array>(
  Array: new (length: number) => T,
  pieces: readonly ArrayLike<number>[],
): T {
  const whole = new Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/**
 * Tokens of no place, `[time, tiles, names, channels]`, as a grid carries them; an axis `tile` only where there are
 * tiles.
 */
export function globalTokens(names: readonly string[], { shape, data }: Tensor<'float32'>): GlobalTokens {
  const [time, tiles, count, channels] = shape as [number, number, number, number];
  return tiles === 1
    ? { names, axes: ['time', 'name', 'channels'], values: tensor('float32', [time, count, channels], data) }
    : { names, axes: ['time', 'tile', 'name', 'channels'], values: tensor('float32', shape, data) };
}
