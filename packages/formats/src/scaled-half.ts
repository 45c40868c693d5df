// Values beyond half precision as half precision, with the factor that gives them back stored beside them.

import { InputError } from '@deepearth/core/errors';
import { toFloat16, toFloat32 } from '@deepearth/core/half';
import { elementCount, tensor, type Tensor } from '@deepearth/core/tensor';

/** From here on a value rounds to infinity in float16, and below here it loses digits. */
const roundsToInfinity = 65_520;
const smallestNormal = 2 ** -14;
/** The power of two that the largest magnitude comes to lie above. */
const target = 14;
/** Of the largest float32; values that round to 2^15 would come back as infinity. */
const largestScale = 2 ** (127 - target);
const largestUnderIt = 2 ** 15 - 16;

/**
 * A float32 tensor as float16 with one factor (float32 of shape `[]`) that gives it back: `values * scale`. The factor
 * is 1 where float16 holds the values as they are; else it is a power of two, so that dividing and multiplying round
 * nothing and values keep the eleven binary digits of float16. Those of less than 2^-28 of the largest lose digits, as
 * small ones do in float16 at all times; NaN and infinities stay what they are.
 */
export function scaledHalf(values: Tensor<'float32'>): {
  readonly values: Tensor<'float16'>;
  readonly scale: Tensor<'float32'>;
} {
  let most = 0;
  for (const value of values.data) {
    const magnitude = Math.abs(value);
    if (magnitude > most && magnitude < Infinity) most = magnitude;
  }
  const fits = most === 0 || (most < roundsToInfinity && most >= smallestNormal);
  const scale = fits ? 1 : 2 ** (exponentOf(most) - target);
  const { data } = values;
  const divided = fits ? data : data.map((value) => value / scale);
  if (scale === largestScale)
    divided.forEach((value, i) => {
      if (Math.abs(value) < Infinity) divided[i] = Math.max(-largestUnderIt, Math.min(largestUnderIt, value));
    });
  return {
    values: toFloat16(tensor('float32', values.shape, divided), 'scaled values', { small: 'rounded' }),
    scale: tensor('float32', [], Float32Array.of(scale)),
  };
}

/** The binary exponent of a float32, no less than makes the factor a normal one: -112. */
function exponentOf(magnitude: number): number {
  const [bits] = new Uint32Array(Float32Array.of(magnitude).buffer);
  return Math.max((bits! >>> 23) - 127, target - 126);
}

/**
 * Stored values times the factor that lies beside them, float32; the tensor itself where there is none. Throws an
 * `InputError` that names `name` where the factor is no finite number above 0.
 */
export function unscaled<T extends Tensor>(values: T, scale: Tensor | undefined, name: string): T | Tensor<'float32'> {
  if (scale === undefined) return values;
  const factor = scale.dtype === 'float32' && elementCount(scale.shape) === 1 ? Number(scale.data[0]) : NaN;
  if (!(factor > 0 && factor < Infinity))
    throw new InputError(
      name,
      `has a scale of ${Array.from(scale.data.slice(0, 4), String).join(', ')} (${scale.dtype}, shape [${scale.shape.join(', ')}]), expected one finite float32 above 0.`,
      { code: 'E_VALUE_RANGE', remedy: 'Write the file again.' },
    );
  const { shape, data } = toFloat32(values, name);
  return tensor('float32', shape, factor === 1 ? data : data.map((value) => value * factor));
}
