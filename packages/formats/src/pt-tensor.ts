// A tensor of a .pt file: a view of a storage, checked when the pickle is parsed and read on demand.

import { elementBytes, type DType } from '@deepearth/core/tensor';
import { sliceSource, type ByteSource } from './bytes.ts';
import { lazyTensor, type LazyTensor, type Location } from './lazy-tensor.ts';
import { refuse } from './pickle-context.ts';
import { show } from './printable.ts';
import { isContiguous, readStrided, stridedChunkBytes } from './strided.ts';

/** A tensor of PyTorch. */
export interface PtTensor<D extends DType = DType> extends LazyTensor<D> {
  readonly kind: 'tensor';
  /** In elements, per axis. */
  readonly stride: readonly number[];
  /** Offset of the first element in its storage, in elements. */
  readonly storageOffset: number;
  readonly contiguous: boolean;
  /** Whether it was a `torch.nn.Parameter`. */
  readonly parameter: boolean;
  /** Tensors of one storage share their values. */
  readonly storage: string;
  /** Signs that are turned round as values are read: of a view that PyTorch keeps as conjugated or negated. */
  readonly signs?: TurnedSigns;
}

/** Bytes that tensors are views of. */
export interface Storage {
  readonly kind: 'storage';
  readonly key: string;
  /** Absent for a storage of bytes, whose tensors bring their own type. */
  readonly dtype?: DType;
  /** The element type where it is one that is not read. */
  readonly unread?: string;
  /** 1 for a storage of bytes. */
  readonly elementBytes: number;
  readonly bytes: number;
  /** The values as they lie in the file; asked for when the first tensor is read. */
  open(signal?: AbortSignal): Promise<StorageBytes>;
  /** How many bytes are turned round per value: as many as a value has when it is big-endian, 1 otherwise. */
  swapBytes(dtype: DType): number;
}

export interface StorageBytes {
  readonly source: ByteSource;
  /** Where they lie in the file; absent when they are compressed. */
  readonly offset?: number | undefined;
  verify?(signal?: AbortSignal): Promise<void>;
}

/** A view with repeated values (stride 0) may be this much larger than the file it is in, or 16 MiB. */
const mostExpansion = 4;
const alwaysAllowedBytes = 1 << 24;
const mostAxes = 64;

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const say = (values: readonly unknown[]): string =>
  `[${values.slice(0, 8).join(', ')}${values.length > 8 ? ', …' : ''}]`;

/** Which signs PyTorch turns round when it reads a view: those of imaginary parts, or of all parts. */
export interface TurnedSigns {
  readonly conj: boolean;
  readonly neg: boolean;
}

/** Turns signs round in little-endian bytes that start at byte `start` of the values; every part ends with its sign. */
function turnSigns(bytes: Uint8Array, start: number, dtype: DType, { conj, neg }: TurnedSigns): Uint8Array {
  const width = elementBytes(dtype);
  const turned = dtype.startsWith('complex')
    ? [...(neg ? [width / 2 - 1] : []), ...(conj !== neg ? [width - 1] : [])]
    : [width - 1];
  // The bytes may be those of a source in memory.
  const out = bytes.slice();
  for (const sign of turned)
    for (let i = (sign - (start % width) + width) % width; i < out.length; i += width) out[i]! ^= 0x80;
  return out;
}

/**
 * Makes a tensor of a storage, or refuses by name what does not lie inside it. `fileBytes` limits how much repeated
 * values may grow; `signs` are those of a conjugated or negated view.
 */
export function viewOf(
  storage: Storage,
  dtype: DType,
  offset: unknown,
  shape: readonly unknown[],
  stride: readonly unknown[],
  fileBytes: number,
  signs?: TurnedSigns,
): PtTensor {
  const what = `a tensor of shape ${say(shape)} and stride ${say(stride)}`;
  if (shape.length !== stride.length) refuse(`it holds ${what}, which are of different length`);
  if (shape.length > mostAxes) refuse(`it holds a tensor of ${shape.length} axes`);
  if (!shape.every(isCount) || !stride.every(isCount))
    return refuse(`it holds ${what}; both have to be whole numbers from 0`);
  if (!isCount(offset)) return refuse(`it holds a tensor at storage offset ${String(offset)}`);
  const width = elementBytes(dtype);
  const sizes: readonly number[] = shape;
  const steps: readonly number[] = stride;
  const bytes = sizes.filter((size) => size > 0).reduce((n, size) => n * size, width);
  const empty = sizes.includes(0);
  // An empty view may start anywhere: PyTorch moves the offset of `t[5:]` though nothing is left.
  const last = empty ? -1 : sizes.reduce((at, size, axis) => at + (size - 1) * steps[axis]!, offset);
  if (!Number.isSafeInteger(bytes) || !Number.isSafeInteger((last + 1) * width))
    refuse(`it holds ${what}, which is more than any memory`);
  if ((last + 1) * width > storage.bytes)
    refuse(
      `it holds ${what} at offset ${offset}, which needs ${last + 1} elements; storage ${show(storage.key)} has ${Math.floor(storage.bytes / width)}`,
    );
  if (!empty && bytes > storage.bytes && bytes > Math.max(alwaysAllowedBytes, mostExpansion * fileBytes))
    refuse(`it holds ${what}, which repeats values up to ${bytes} bytes; the whole file has ${fileBytes}`);

  const contiguous = isContiguous(sizes, steps);
  const swapBytes = storage.swapBytes(dtype);
  const values = async (signal?: AbortSignal): Promise<ByteSource> => {
    const { source } = await storage.open(signal);
    const whole = source.size - (source.size % width);
    return whole === source.size ? source : sliceSource(source, 0, whole);
  };
  const locate = async (signal?: AbortSignal): Promise<Location | undefined> => {
    if (!contiguous || swapBytes !== 1 || signs) return undefined;
    const at = (await storage.open(signal)).offset;
    return at === undefined ? undefined : empty ? { offset: at, bytes: 0 } : { offset: at + offset * width, bytes };
  };
  const lazy = lazyTensor({
    dtype,
    shape: sizes,
    locate,
    readBytes: async (start, length, signal) => {
      if (length === 0) return new Uint8Array(0);
      const bytes = await readStrided(
        { source: await values(signal), shape: sizes, stride: steps, offset, elementBytes: width, swapBytes },
        start,
        length,
        signal,
      );
      return signs ? turnSigns(bytes, start, dtype, signs) : bytes;
    },
    verify: async (signal) => (await storage.open(signal)).verify?.(signal),
    ...(!contiguous && { stepBytes: stridedChunkBytes }),
  });
  return {
    ...lazy,
    kind: 'tensor',
    stride: steps,
    storageOffset: offset,
    contiguous,
    parameter: false,
    storage: storage.key,
    ...(signs && { signs }),
  };
}
