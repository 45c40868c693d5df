// NumPy arrays and scalars inside a pickle; their values are among the pickle's bytes.

import { elementBytes } from '@deepearth/core/tensor';
import { bytesSource } from './bytes.ts';
import { decodeElement } from './elements.ts';
import { lazyTensor } from './lazy-tensor.ts';
import { numpyType, type NumpyType } from './numpy-type.ts';
import { global, refuse, type Buildable } from './pickle-context.ts';
import type { Ndarray, NumpyScalar } from './numpy-kinds.ts';
import { isKind } from './python-values.ts';
import { contiguousStride, isContiguous, readStrided, swapInPlace } from './strided.ts';

type Args = readonly unknown[];

/** `numpy.dtype('f4')`, whose byte order comes with its state. */
interface NumpyDtype extends Buildable {
  readonly kind: 'numpy-dtype';
  type(): NumpyType;
}

const items = (value: unknown): Args | undefined =>
  isKind(value, 'tuple') || isKind(value, 'size') ? value.items : Array.isArray(value) ? value : undefined;

function dtypeOf([name]: Args): NumpyDtype {
  if (typeof name !== 'string') return refuse('it holds a NumPy dtype without a name');
  let order = '';
  return {
    kind: 'numpy-dtype',
    type: () => {
      const type = numpyType(order + name.replace(/^[<>|=]/, ''));
      return typeof type === 'string' ? refuse(`it holds a NumPy array or scalar: ${type}`) : type;
    },
    // (version, byte order, subtype, names, fields, size, alignment, flags)
    build: (state) => {
      const fields = items(state) ?? [];
      if (fields.length < 5 || typeof fields[1] !== 'string' || !['<', '>', '|', '='].includes(fields[1]))
        refuse('it holds a NumPy dtype whose state is not understood');
      if (fields[2] !== null || fields[3] !== null || fields[4] !== null)
        refuse('it holds a NumPy array of records, which is not read');
      order = fields[1] as string;
    },
  };
}

const typeOf = (value: unknown): NumpyType =>
  typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'numpy-dtype'
    ? (value as NumpyDtype).type()
    : refuse('it holds a NumPy value without a dtype');

/** Python 2 wrote bytes as text. */
const rawBytes = (value: unknown): Uint8Array => {
  if (value instanceof Uint8Array) return value;
  return typeof value === 'string'
    ? Uint8Array.from(value, (c) =>
        c.charCodeAt(0) < 256 ? c.charCodeAt(0) : refuse('it holds NumPy values that are no bytes'),
      )
    : refuse('it holds NumPy values that are no bytes (Python objects are not read)');
};

function arrayOf(raw: Uint8Array, { dtype, swapBytes }: NumpyType, shape: unknown, fortran: boolean): Ndarray {
  const sizes = items(shape) as readonly number[] | undefined;
  if (!sizes || sizes.length > 64 || !sizes.every((size) => Number.isSafeInteger(size) && size >= 0))
    return refuse('it holds a NumPy array without a shape');
  const width = elementBytes(dtype);
  const bytes = sizes.reduce((n, size) => n * size, width);
  if (bytes !== raw.byteLength)
    refuse(
      `it holds a NumPy array of shape [${sizes.join(', ')}], which needs ${bytes} bytes and has ${raw.byteLength}`,
    );
  const stride = fortran ? contiguousStride([...sizes].reverse()).reverse() : contiguousStride(sizes);
  const source = bytesSource(raw, 'a NumPy array');
  const stepBytes = isContiguous(sizes, stride) ? {} : { stepBytes: Math.max(width, raw.byteLength) };
  return {
    kind: 'ndarray',
    ...lazyTensor({
      dtype,
      shape: sizes,
      readBytes: (start, length, signal) =>
        readStrided({ source, shape: sizes, stride, offset: 0, elementBytes: width, swapBytes }, start, length, signal),
      ...stepBytes,
    }),
  };
}

/** `_reconstruct` makes an empty array, BUILD gives it its state. */
function reconstruct(): Buildable {
  const array = {
    kind: 'ndarray',
    incomplete: true,
    // (version, shape, dtype, Fortran order, values); the oldest had no version
    build: (state: unknown): void => {
      const fields = items(state) ?? [];
      const [shape, type, fortran, raw] = fields.slice(-4);
      if (fields.length < 4 || fields.length > 5 || !array.incomplete)
        refuse('it holds a NumPy array whose state is not understood');
      Object.assign(array, arrayOf(rawBytes(raw), typeOf(type), shape, fortran === true || fortran === 1), {
        incomplete: false,
      });
    },
  };
  return array;
}

function scalar([type, raw]: Args): NumpyScalar {
  const { dtype, swapBytes } = typeOf(type);
  const bytes = swapInPlace(rawBytes(raw).slice(), swapBytes);
  if (bytes.byteLength !== elementBytes(dtype)) refuse(`it holds a NumPy ${dtype} of ${bytes.byteLength} bytes`);
  return { kind: 'numpy-scalar', dtype, value: decodeElement(dtype, bytes, 0) };
}

function fromBuffer([raw, type, shape, order]: Args): Ndarray {
  return arrayOf(rawBytes(raw), typeOf(type), shape, order === 'F');
}

/** NumPy 2 moved its private modules from `numpy.core` to `numpy._core`. */
export const numpyGlobals: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  global('numpy', 'ndarray'),
  global('numpy', 'dtype', dtypeOf),
  ...['numpy.core', 'numpy._core'].flatMap((core) => [
    global(`${core}.multiarray`, '_reconstruct', reconstruct),
    global(`${core}.multiarray`, 'scalar', scalar),
    global(`${core}.numeric`, '_frombuffer', fromBuffer),
  ]),
]);
