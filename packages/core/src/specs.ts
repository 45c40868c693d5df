// Descriptions of streams before any data is touched.

import { elementBytes, type DType } from './tensor.ts';

/** A named axis; `null` where the size is known only when the data comes. */
export interface Axis {
  readonly name: string;
  readonly size: number | null;
}

/** One stream of items, described. */
export interface StreamSpec {
  /**
   * The kind of its items: 'frame', 'clip', 'tokens', 'embedding', 'projection', 'picture', 'artifact' or a plugin's
   * own.
   */
  readonly kind: string;
  /**
   * The axes of one item's values, outermost first; empty for artifacts, and where items may have any axes, which are
   * known when they come.
   */
  readonly axes: readonly Axis[];
  readonly dtype: DType | null;
  /** How many items will come; `null` where that is known only at the end. */
  readonly count: number | null;
  /**
   * The sequences its items belong to, in order; `null` where they are known only at the end. A stage that leaves it
   * out hands on those of its inputs; a source that does has one, called like the stage.
   */
  readonly sequences?: readonly string[] | null;
  /** How many items each of `sequences` has; absent where that is not known. Of one sequence it is `count`. */
  readonly counts?: readonly number[];
  /**
   * The frames that its items were made of: pixels of one, and how many there are at most. A stage that leaves it out
   * hands on that of its inputs; `null` where something is not known.
   */
  readonly frames?: { readonly height: number | null; readonly width: number | null; readonly count: number | null };
  /**
   * Where `count` and `axes` do not tell: how many items come at most, and how many bytes the values of one have at
   * most.
   */
  readonly most?: { readonly count: number; readonly itemBytes?: number };
  /** Of artifacts: bytes of all of them at most; what a stage says as `diskBytes` unless it says more. */
  readonly bytes?: number;
  /**
   * What its items are called in names of files: the reducer of projections, the layers of pictures; absent where that
   * is known only when they come.
   */
  readonly names?: readonly string[];
  /**
   * True where its sequences come in turns (the tiles of one frame, then those of the next) and not one after the
   * other. A stage that leaves it out hands on what its inputs say.
   */
  readonly interleaved?: boolean;
  /**
   * True where clips of one sequence share frames, so that what shows each frame once has to choose. A stage that
   * leaves it out hands on what its inputs say.
   */
  readonly overlapping?: boolean;
  /**
   * Of tokens: names of those that belong to no place, none for an encoder without them; absent where that is not
   * known.
   */
  readonly globals?: readonly string[];
  /** Of pictures: true where each has an `svg` too. */
  readonly svg?: boolean;
  /** Of frames: true where those of one sequence are known to differ in size, so that a clip may mix them. */
  readonly mixedSizes?: boolean;
}

/** Makes a spec: `spec('tokens', { time: 8, height: 24, width: 24, channels: 1408 }, 'float32', 12)`. */
export const spec = (
  kind: string,
  axes: Readonly<Record<string, number | null>>,
  dtype: DType | null,
  count: number | null = null,
): StreamSpec => ({
  kind,
  axes: Object.entries(axes).map(([name, size]) => ({ name, size })),
  dtype,
  count,
});

/** The size of an axis, `null` when it is absent or not known. */
export const axisSize = (stream: StreamSpec, name: string): number | null =>
  stream.axes.find((axis) => axis.name === name)?.size ?? null;

/** False where items may have any axes: nothing can be said of theirs before they come. */
export const axesKnown = (stream: StreamSpec): boolean => stream.axes.length > 0;

/** Bytes of one item's values, `null` where a size is not known. */
export function itemBytes(stream: StreamSpec): number | null {
  if (stream.dtype === null || !axesKnown(stream)) return null;
  return stream.axes.reduce<number | null>(
    (bytes, { size }) => (bytes === null || size === null ? null : bytes * size),
    elementBytes(stream.dtype),
  );
}

/**
 * Bytes of the pixels of a frame: one of the stream, or one that its items were made of; of three 8-bit channels unless
 * the stream says more. 0 where the size is not known.
 */
export function frameBytes(stream: StreamSpec): number {
  const own = stream.kind === 'frame' || stream.kind === 'clip';
  const size = (edge: 'height' | 'width'): number => (own ? axisSize(stream, edge) : stream.frames?.[edge]) ?? 0;
  const values = own ? (axisSize(stream, 'channels') ?? 3) * elementBytes(stream.dtype ?? 'uint8') : 3;
  return size('height') * size('width') * values;
}

/**
 * What a stage holds that reads frames one after another: the frame it works on, and the one before, whose memory comes
 * back when more is asked for.
 */
export const readingBytes = (stream: StreamSpec): number => 2 * frameBytes(stream);

/** How many items come, for people: `12`, `≤ 32`, `?`. */
export const formatCount = ({ count, most }: StreamSpec): string =>
  count !== null ? String(count) : most ? `≤ ${most.count}` : '?';

/** For people: `tokens [time 8, height 24, width 24, channels 1408] float32 x 12`. */
export function formatSpec(stream: StreamSpec): string {
  const axes = stream.axes.length
    ? ` [${stream.axes.map(({ name, size }) => `${name} ${size ?? '?'}`).join(', ')}]`
    : '';
  return `${stream.kind}${axes}${stream.dtype ? ` ${stream.dtype}` : ''} x ${formatCount(stream)}`;
}

/** Sequences of all inputs together; an input that does not know its own counts as one. */
export const sequenceCount = (inputs: readonly { readonly spec: StreamSpec }[]): number =>
  inputs.reduce((sum, { spec: { sequences } }) => sum + Math.max(1, sequences?.length ?? 1), 0);

/** How many items each sequence has; `undefined` where that is not known. */
export const countsOf = ({ count, counts, sequences }: StreamSpec): readonly number[] | undefined =>
  counts ?? (count !== null && sequences?.length === 1 ? [count] : undefined);
