// Finds the first number that is not finite.

import { InputError } from '@deepearth/core/errors';

/** Index of the first NaN or infinity, or -1. */
export function firstNotFinite(values: Float32Array | Float64Array): number {
  // Zero times a number is 0 when it is finite and NaN otherwise; four sums at once keep the processor busy.
  let [a, b, c, d] = [0, 0, 0, 0];
  const whole = values.length - (values.length % 4);
  for (let i = 0; i < whole; i += 4) {
    a += values[i]! * 0;
    b += values[i + 1]! * 0;
    c += values[i + 2]! * 0;
    d += values[i + 3]! * 0;
  }
  for (let i = whole; i < values.length; i++) a += values[i]! * 0;
  if (a + b + c + d === 0) return -1;
  return values.findIndex((value) => !Number.isFinite(value));
}

/** Throws an `InputError` naming row and channel of the first number of `[rows, channels]` that is not finite. */
export function requireFinite(
  values: Float32Array | Float64Array,
  channels: number,
  subject = 'tokens',
  firstRow = 0,
): void {
  const at = firstNotFinite(values);
  if (at < 0) return;
  throw new InputError(
    subject,
    `row ${firstRow + Math.floor(at / channels)}, channel ${at % channels} is ${values[at]}.`,
    {
      code: 'E_NOT_FINITE',
      remedy: 'Leave such tokens out, or mark them as not valid.',
    },
  );
}

/** The error where tokens and model are finite and what the model makes of them is not. */
export const overflown = (subject: string): InputError =>
  new InputError(subject, 'what it makes of these tokens is beyond float32.', {
    code: 'E_NOT_FINITE',
    remedy: 'Scale the tokens down and fit again; where they are as in the fit, the model is damaged.',
  });
