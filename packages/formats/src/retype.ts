// The tensors of a value in another type: floats rounded, or in eight bits with their scales beside them.

import type { Tensor } from '@deepearth/core/tensor';
import { castTensor, isFloat } from './cast.ts';
import { quantizedRows } from './int8.ts';
import { lazyFrom, type LazyTensor } from './lazy-tensor.ts';
import { isTensor, type PtWritable } from './pt-pickle-writer.ts';
import { isKind, type PyValue } from './python-values.ts';
import { areScaled, scaleName, withScale } from './scale.ts';
import { refuseUnread } from './unread-tensor.ts';

/** What floats can be converted to; `same` leaves all tensors as they are. */
export const tensorTypes = ['same', 'float32', 'float16', 'int8'] as const;
/** One of `tensorTypes`. */
export type TensorType = (typeof tensorTypes)[number];

/** A value whose tensors have their new type. */
export interface Retyped {
  readonly value: PtWritable;
  /** Paths of floats that stay as they are, because their scales would have no place: items of lists. */
  readonly kept: readonly string[];
}

type Dict = ReadonlyMap<PtWritable, PtWritable>;
type Stored = Tensor | LazyTensor;

/** The path of an entry, as `tensorsOf` spells it. */
export const pathBelow = (path: string, key: unknown): string =>
  `${path}${path && '.'}${isKind(key, 'tuple') ? key.items.join(',') : String(key)}`;

/**
 * The value with its floats as `to`; nothing is read until it is written. In eight bits `NAME` of a dict gets
 * `NAME.scale` beside it, and a tensor alone becomes a dict of `tensor` and `tensor.scale`; such pairs become floats
 * again in a float type, and stay in `same` and `int8`. Whole numbers, bools and complex numbers stay as they are;
 * arrays and scalars of NumPy become tensors and numbers. Tensors that view the same values in the same way are one.
 * Throws an `InputError` for a tensor that is not read; a number that does not fit is found when it is written.
 */
export function retyped(value: PtWritable | PyValue, to: TensorType, file: string): Retyped {
  const kept: string[] = [];
  const made = new Map<unknown, LazyTensor>();

  /** A tensor that is no member of a dict, or no float: cast, or as it is. */
  const plain = (t: Stored, name: string): LazyTensor => {
    if (to === 'int8' && isFloat(t.dtype)) kept.push(name);
    const key = viewKey(t);
    const former = made.get(key);
    if (former) return former;
    const lazy = lazyOf(t);
    const casts = (to === 'float16' || to === 'float32') && isFloat(lazy.dtype);
    const result = casts ? castTensor(lazy, to, { file, name }) : lazy;
    made.set(key, result);
    return result;
  };
  const dict = (entries: Dict, path: string): Dict => {
    const out = new Map<PtWritable, PtWritable>();
    for (const [key, item] of entries) {
      const name = pathBelow(path, key);
      const pair = typeof key === 'string' ? pairOf(entries, key) : undefined;
      const scaled = typeof key === 'string' ? scaledBy(entries, key) : undefined;
      if (pair && (to === 'float16' || to === 'float32'))
        out.set(key, castTensor(withScale(pair.values, pair.scale, file), to, { file, name }));
      else if (pair && to === 'int8' && pair.values.dtype !== 'int8') {
        const { values, scale } = quantizedRows(withScale(pair.values, pair.scale, file), { file, name });
        out.set(key, values);
        out.set(scaleName(key as string), scale);
      } else if (scaled) {
        if (to === 'same' || (to === 'int8' && scaled.values.dtype === 'int8')) out.set(key, item);
      } else if (key === 'globals' && entries.has('features')) {
        // Tokens of no place are few, and their readers expect them in float32.
        out.set(key, item);
      } else if (
        to === 'int8' &&
        typeof key === 'string' &&
        tensorIn(item) &&
        isFloat(item.dtype) &&
        !entries.has(scaleName(key))
      ) {
        const { values, scale } = quantizedRows(lazyOf(item), { file, name });
        out.set(key, values);
        out.set(scaleName(key), scale);
      } else out.set(key, walk(item, name));
    }
    return withTypeNamed(entries, out);
  };
  const walk = (at: PtWritable, path: string): PtWritable => {
    if (at === null || typeof at !== 'object' || at instanceof Uint8Array || at instanceof Set) return at;
    if (Array.isArray(at)) return at.map((item: PtWritable, i) => walk(item, pathBelow(path, i)));
    if (at instanceof Map) return dict(at as Dict, path);
    if (tensorIn(at)) return plain(at, path || 'tensor');
    const python = at as PyValue;
    if (isKind(python, 'unread')) return refuseUnread(file, path || 'tensor', python);
    if (isKind(python, 'tuple'))
      return {
        kind: 'tuple',
        items: python.items.map((item, i) => walk(item as PtWritable, pathBelow(path, i)) as PyValue),
      };
    if (isKind(python, 'numpy-scalar')) {
      const { dtype, value: number } = python;
      if (typeof number === 'object') return { kind: 'complex', real: number[0], imaginary: number[1] };
      return isFloat(dtype) ? { kind: 'float', value: number as number } : number;
    }
    if ('kind' in at) return at;
    const named = Object.entries(at).filter((entry): entry is [string, PtWritable] => entry[1] !== undefined);
    return dict(new Map(named), path);
  };
  const root = value as PtWritable;
  return { value: walk(to === 'int8' && tensorIn(root) ? new Map([['tensor', root]]) : root, ''), kept };
}

const tensorIn = (value: PtWritable | undefined): value is Stored =>
  typeof value === 'object' && value !== null && isTensor(value);

const lazyOf = (t: Stored): LazyTensor => ('data' in t ? lazyFrom(t) : t);

/** What tells views of stored values apart. */
function viewKey(t: Stored): unknown {
  if ('data' in t) return t;
  if (!isKind(t, 'tensor')) return t;
  const { storage, storageOffset, shape, stride, dtype, signs } = t;
  return JSON.stringify([storage, storageOffset, shape, stride, dtype, signs]);
}

/** The tensor of this name that has a scale beside it. */
function pairOf(entries: Dict, name: string): { values: LazyTensor; scale: LazyTensor } | undefined {
  const [values, scale] = [entries.get(name), entries.get(scaleName(name))];
  if (!tensorIn(values) || !tensorIn(scale) || !areScaled(values, scale)) return undefined;
  return { values: lazyOf(values), scale: lazyOf(scale) };
}

/** The tensor whose scale an entry is, with that. */
const scaledBy = (entries: Dict, name: string): ReturnType<typeof pairOf> =>
  name.endsWith(scaleName('')) ? pairOf(entries, name.slice(0, -scaleName('').length)) : undefined;

/** `dtype: "torch.float16"`, by which the Python extractor says the type of `features`, as it is now. */
function withTypeNamed(before: Dict, after: Map<PtWritable, PtWritable>): Dict {
  const tensor = ['features', 'projection'].find((name) => tensorIn(before.get(name)));
  if (tensor === undefined) return after;
  const [former, now] = [before.get(tensor), after.get(tensor)] as [Stored, Stored];
  if (before.get('dtype') === `torch.${former.dtype}`) after.set('dtype', `torch.${now.dtype}`);
  return after;
}
