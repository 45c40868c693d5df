// Reads and writes NumPy's .npy files.

import { InputError } from '@deepearth/core/errors';
import { bytesOf, elementBytes, elementCount, type DType, type Tensor } from '@deepearth/core/tensor';
import { concat, sliceSource, type ByteSource } from './bytes.ts';
import type { EntrySource } from './entry-source.ts';
import { lazyTensor, type LazyTensor, type TensorValues } from './lazy-tensor.ts';
import { numpyType, type NumpyType } from './numpy-type.ts';
import { show } from './printable.ts';
import { parsePythonLiteral } from './python-literal.ts';
import { contiguousStride, isContiguous, readStrided, stridedChunkBytes } from './strided.ts';

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
/** A header is a line of text; NumPy itself refuses to evaluate more than 10,000 characters. */
const mostHeaderBytes = 1 << 16;

/**
 * Opens an array by its header. Fortran order and big-endian values are turned while they are read. Throws an
 * `InputError` that names the type for arrays of objects (pickles), records, text or dates.
 */
export async function openNpy(source: ByteSource | EntrySource, signal?: AbortSignal): Promise<LazyTensor> {
  const refuse = (message: string, cause?: unknown): never => {
    throw new InputError(source.name, `is no valid .npy file: ${message}.`, { code: 'E_NPY', cause });
  };
  if (source.size < 10) refuse(`it has ${source.size} bytes`);
  const start = await source.read(0, Math.min(12, source.size), signal);
  if (magic.some((byte, i) => start[i] !== byte)) refuse('it does not start with "\\x93NUMPY"');
  const [major, minor] = [start[6]!, start[7]!];
  if (![1, 2, 3].includes(major) || minor !== 0) refuse(`version ${major}.${minor} of the format is not known`);
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength);
  if (major > 1 && start.byteLength < 12) refuse('its header is cut short');
  const headerStart = major === 1 ? 10 : 12;
  const headerBytes = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (headerBytes > mostHeaderBytes)
    refuse(`its header would be ${headerBytes} bytes, the limit is ${mostHeaderBytes}`);
  if (headerStart + headerBytes > source.size) refuse('its header is cut short');
  const text = new TextDecoder(major === 3 ? 'utf-8' : 'latin1').decode(
    await source.read(headerStart, headerBytes, signal),
  );
  let header: unknown;
  try {
    header = parsePythonLiteral(text);
  } catch (cause) {
    refuse(`its header is not understood: ${(cause as Error).message}`, cause);
  }
  if (!(header instanceof Map)) return refuse('its header is no dict');
  const shape: unknown = header.get('shape');
  const fortran: unknown = header.get('fortran_order');
  const descr: unknown = header.get('descr');
  if (!Array.isArray(shape) || !shape.every((size) => Number.isSafeInteger(size) && size >= 0))
    return refuse(`its shape is ${show(shape)}`);
  if (typeof fortran !== 'boolean') return refuse('fortran_order is neither True nor False');
  if (descr === undefined) return refuse('it does not say what its elements are');
  if (typeof descr !== 'string') return refuse(`its elements are records (${show(descr)}), which are not read`);
  const type = numpyType(descr);
  if (typeof type === 'string') return refuse(type);
  const dataStart = headerStart + headerBytes;
  const expected = checkedBytes(shape as number[], type);
  if (expected === undefined) return refuse(`it has the impossible shape [${shape.join(', ')}]`);
  if (dataStart + expected !== source.size)
    refuse(
      `shape [${shape.join(', ')}] of ${descr} needs ${expected} bytes and the file holds ${source.size - dataStart}`,
    );
  return npyTensor(source, dataStart, shape as number[], type, fortran);
}

/** Bytes of all values, `undefined` when the shape's product is beyond what a number counts. */
function checkedBytes(shape: readonly number[], type: NumpyType): number | undefined {
  const bytes = shape.filter((size) => size > 0).reduce((n, size) => n * size, elementBytes(type.dtype));
  if (!Number.isSafeInteger(bytes)) return undefined;
  return shape.includes(0) ? 0 : bytes;
}

function npyTensor(
  source: ByteSource | EntrySource,
  dataStart: number,
  shape: readonly number[],
  { dtype, swapBytes }: NumpyType,
  fortran: boolean,
): LazyTensor {
  const stride = fortran ? contiguousStride([...shape].reverse()).reverse() : contiguousStride(shape);
  const plain = swapBytes === 1 && isContiguous(shape, stride);
  // An entry of an archive knows where it lies, unless it is compressed; a file starts at 0.
  const origin = 'verify' in source ? source.offset : 0;
  const values = sliceSource(source, dataStart, source.size - dataStart);
  const view = { source: values, shape, stride, offset: 0, elementBytes: elementBytes(dtype), swapBytes };
  return lazyTensor({
    dtype,
    shape,
    ...(plain && origin !== undefined && { locate: async () => ({ offset: origin + dataStart, bytes: values.size }) }),
    readBytes: (start, length, signal) => readStrided(view, start, length, signal),
    ...('verify' in source && { verify: source.verify }),
    ...(!isContiguous(shape, stride) && { stepBytes: stridedChunkBytes }),
  });
}

const descrOf: Partial<Record<DType, string>> = {
  float64: '<f8',
  float32: '<f4',
  float16: '<f2',
  int64: '<i8',
  int32: '<i4',
  int16: '<i2',
  int8: '|i1',
  uint64: '<u8',
  uint32: '<u4',
  uint16: '<u2',
  uint8: '|u1',
  bool: '|b1',
  complex64: '<c8',
  complex128: '<c16',
};

/** The element types that NumPy has. */
export const npyDtypes: ReadonlySet<DType> = new Set(Object.keys(descrOf) as DType[]);

/**
 * Everything before the values, padded to 64 bytes as NumPy does it. Throws a `TypeError` for bfloat16 and float8,
 * which NumPy lacks.
 */
export function npyHeader(dtype: DType, shape: readonly number[]): Uint8Array {
  const descr = descrOf[dtype];
  if (!descr) throw new TypeError(`NumPy has no ${dtype}; convert to float32 before writing .npy`);
  const dict = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape.join(', ')}${shape.length === 1 ? ',' : ''}), }`;
  const length = Math.ceil((10 + dict.length + 1) / 64) * 64 - 10;
  if (length > 0xffff) throw new TypeError(`a tensor of ${shape.length} axes`);
  const header = new Uint8Array(10 + length).fill(0x20);
  header.set([...magic, 1, 0, length & 0xff, length >> 8]);
  header.set(new TextEncoder().encode(dict), 10);
  header[header.length - 1] = 0x0a;
  return header;
}

/** A whole .npy file in memory. */
export const encodeNpy = (t: Tensor): Uint8Array => concat([npyHeader(t.dtype, t.shape), bytesOf(t)]);

/**
 * Writes a .npy file piece by piece; `values` are in C order, little-endian. Throws a `RangeError` when they are not
 * what the shape needs.
 */
export async function* writeNpy(
  dtype: DType,
  shape: readonly number[],
  values: TensorValues,
): AsyncGenerator<Uint8Array> {
  yield npyHeader(dtype, shape);
  const expected = elementCount(shape) * elementBytes(dtype);
  let got = 0;
  for await (const chunk of values) {
    got += chunk.byteLength;
    if (got > expected) break;
    yield chunk;
  }
  if (got !== expected)
    throw new RangeError(
      `a ${dtype} tensor of shape [${shape.join(', ')}] needs ${expected} bytes and got ${got > expected ? 'more' : got}`,
    );
}
