// Python values as they come out of a pickle and go into one.

import type { PtTensor } from './pt-tensor.ts';
import type { Ndarray, NumpyScalar } from './numpy-kinds.ts';
import type { UnreadTensor } from './unread-tensor.ts';

/**
 * A value of Python. None is `null`; a whole number beyond 2^53 is a bigint; a list is an array, a dict (of any kind) a
 * `Map`, a set a `Set`, bytes a `Uint8Array`; the rest says its `kind`.
 */
export type PyValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PyValue[]
  | Map<PyValue, PyValue>
  | Set<PyValue>
  | PyTuple
  | PyComplex
  | PyFloat
  | TorchSize
  | TorchName
  | PtTensor
  | UnreadTensor
  | Ndarray
  | NumpyScalar;

/** A Python tuple. */
export interface PyTuple {
  readonly kind: 'tuple';
  readonly items: readonly PyValue[];
}

/** A Python complex number. */
export interface PyComplex {
  readonly kind: 'complex';
  readonly real: number;
  readonly imaginary: number;
}

/** A number that is to be written as a float although it is whole; a reader returns plain numbers. */
export interface PyFloat {
  readonly kind: 'float';
  readonly value: number;
}

/** A `torch.Size`, which is a tuple of its own kind. */
export interface TorchSize {
  readonly kind: 'size';
  readonly items: readonly number[];
}

/** A dtype or a device: "torch.float16", "cuda:0". */
export interface TorchName {
  readonly kind: 'torch';
  readonly name: string;
}

/** Makes a Python tuple of values. */
export const tuple = (...items: PyValue[]): PyTuple => ({ kind: 'tuple', items });
/** Makes a Python float, also of a whole number. */
export const float = (value: number): PyFloat => ({ kind: 'float', value });
/** Makes a `torch.Size` of sizes. */
export const torchSize = (items: readonly number[]): TorchSize => ({ kind: 'size', items });
/** `torchName('torch.float16')`, `torchName('cpu')`. */
export const torchName = (name: string): TorchName => ({ kind: 'torch', name });

type Kinds = Extract<PyValue, { readonly kind: string }>;

/** Whether a value is one of those that say their kind. */
export const isKind = <K extends Kinds['kind']>(
  value: unknown,
  kind: K,
): value is Extract<Kinds, { readonly kind: K }> =>
  typeof value === 'object' && value !== null && 'kind' in value && value.kind === kind;
