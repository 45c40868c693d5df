// Finds the first number that is not finite.

import { InputError } from '@deepearth/core/errors';

/** Index of the first NaN or infinity, or -1. */
export function firstNotFinite(values: Float32Array | Float64Array): number {
  // A sum of differences with itself is 0 for finite numbers and NaN otherwise; the loop over all is quick that way.
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! - values[i]!;
  if (sum === 0) return -1;
  return values.findIndex((value) => !Number.isFinite(value));
}

/** Throws an `InputError` naming row and channel of the first number of `[rows, channels]` that is not finite. */
export function requireFinite(values: Float32Array | Float64Array, channels: number, subject = 'tokens', firstRow = 0): void {
  const at = firstNotFinite(values);
  if (at < 0) return;
  throw new InputError(subject, `row ${firstRow + Math.floor(at / channels)}, channel ${at % channels} is ${values[at]}.`, {
    code: 'E_NOT_FINITE',
    remedy: 'Leave such tokens out, or mark them as not valid.',
  });
}
