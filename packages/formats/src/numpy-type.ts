// NumPy's names of element types: "<f4", "|b1", ">i8".

import { type DType } from '@deepearth/core/tensor';
import { show } from './printable.ts';

/** An element type and how its bytes lie. */
export interface NumpyType {
  readonly dtype: DType;
  /** How many bytes are turned round when values are big-endian; 1 for those that lie as they are. */
  readonly swapBytes: number;
}

const kinds: ReadonlyMap<string, DType> = new Map([
  ['f8', 'float64'],
  ['f4', 'float32'],
  ['f2', 'float16'],
  ['i8', 'int64'],
  ['i4', 'int32'],
  ['i2', 'int16'],
  ['i1', 'int8'],
  ['u8', 'uint64'],
  ['u4', 'uint32'],
  ['u2', 'uint16'],
  ['u1', 'uint8'],
  ['b1', 'bool'],
  ['c8', 'complex64'],
  ['c16', 'complex128'],
]);

const unread: Readonly<Record<string, string>> = {
  O: 'Python objects',
  U: 'text',
  S: 'byte strings',
  a: 'byte strings',
  V: 'records',
  M: 'dates',
  m: 'durations',
  f: 'floats of that size',
  c: 'complex numbers of that size',
};

/** The element type by NumPy's name, or the reason why it is not read. */
export function numpyType(descr: string): NumpyType | string {
  const [, order, kind = ''] = /^([<>|=]?)([a-zA-Z]\d*)/.exec(descr) ?? [];
  const dtype = kinds.get(kind);
  if (!dtype || descr.length !== (order?.length ?? 0) + kind.length) {
    const what = Object.hasOwn(unread, kind[0] ?? '') ? ` (${unread[kind[0]!]!})` : '';
    return `its elements are of the type ${show(descr)}${what}, which is not read`;
  }
  const bytes = Number(kind.slice(1));
  return { dtype, swapBytes: order === '>' ? (kind[0] === 'c' ? bytes / 2 : bytes) : 1 };
}
