// Takes a token that belongs to no place of the grid: the class token.

import { InputError, tensor, type Tensor, type TokenGrid } from '@deepearth/core';
import { z } from 'zod';
import { aggregator, noGlobal, noGlobalRemedy } from './aggregator.ts';

/** Options of `aggregator/class-token`. */
export const classTokenOptions = z.strictObject({
  token: z
    .string()
    .min(1)
    .default('class')
    .describe('Which of the tokens that belong to no place: `class`, `register-0`, `register-1` …'),
});

/** The stage `aggregator/class-token`. */
export const classToken = aggregator(classTokenOptions, {
  type: 'class-token',
  summary:
    'Takes the class token, which DINO makes of each whole frame: its mean over the frames of a clip that hold any data.',
  examples: ['- type: aggregator/class-token'],
  global: ({ token }) => token,
  axes: ({ channels }) => ({ channels: channels ?? null }),
  make: (tokens, { token }) => meanGlobal(tokens, token),
});

/**
 * The mean of one of the `globals` over their other axes, `[channels]`, in float32. A step of time of which no token of
 * the grid is valid does not count. Throws an `InputError` where there is no such token, where no step holds data, and
 * for a value that is not finite.
 */
function meanGlobal({ id, axes, values, valid, globals }: TokenGrid, name: string): Tensor<'float32'> {
  const at = globals?.names.indexOf(name) ?? -1;
  if (!globals || at < 0)
    throw new InputError(id, noGlobal(name, globals?.names ?? []), { code: 'E_NO_GLOBAL', remedy: noGlobalRemedy });
  const [names, channels] = globals.values.shape.slice(-2) as [number, number];
  const rows = globals.values.data.length / (names * channels);
  const steps = globals.axes[0] === 'time' && axes[0] === 'time' ? values.shape[0]! : 1;
  const seen = (step: number): boolean => {
    const tokens = valid && valid.length / steps;
    return !tokens || valid.subarray(step * tokens, (step + 1) * tokens).some((share) => share > 0);
  };
  const sums = new Float64Array(channels);
  let count = 0;
  for (let row = 0; row < rows; row++) {
    if (!seen(Math.floor((row * steps) / rows))) continue;
    count++;
    const from = (row * names + at) * channels;
    for (let c = 0; c < channels; c++) sums[c]! += globals.values.data[from + c]!;
  }
  if (count === 0)
    throw new InputError(id, 'none of its tokens saw any data, so there is nothing to aggregate.', {
      code: 'E_NO_DATA',
      remedy: 'With `onError: skip` the clip is left out.',
    });
  if (!sums.every(Number.isFinite))
    throw new InputError(id, `its token ${JSON.stringify(name)} holds NaN or infinity.`, {
      code: 'E_NOT_FINITE',
      remedy: 'Look at what the encoder was given for it; with half precision, try float32.',
    });
  return tensor(
    'float32',
    [channels],
    Float32Array.from(sums, (sum) => sum / count),
  );
}
