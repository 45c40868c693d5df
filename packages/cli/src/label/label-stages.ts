// Stages that give tokens their labels; for `deepearth label` alone.

import { InputError } from '@deepearth/core/errors';
import type { Projection, TokenGrid } from '@deepearth/core/items';
import { toFloat32 } from '@deepearth/core/half';
import { axisSize } from '@deepearth/core/specs';
import { defineReducer, refuse } from '@deepearth/core/stage';
import { tensor } from '@deepearth/core/tensor';
import { labelShares, likeliest } from '@deepearth/sinks/explorer/label-model';
import { z } from 'zod';

const options = z.strictObject({
  labels: z.array(z.string()).describe('Names of the labels.'),
  weights: z.array(z.array(z.number())).describe('For each label, what channels are multiplied with.'),
  bias: z.array(z.number().nullable()).describe('For each label what is added; null for one that no token gets.'),
  fingerprint: z.string().describe('Of the encoder whose tokens were marked.'),
  encoder: z.string().describe('Its name.'),
  length: z.enum(['one', 'own']).describe('Whether tokens are brought to length 1 first.'),
});
type Options = z.output<typeof options>;

/** Numbers of labels, `[…, 1]`. */
export const labelsStage = labelStage('labels', 'Gives every token the likeliest label.', 1);
/** Probabilities of all labels, `[…, labels]`. */
export const probabilitiesStage = labelStage('probabilities', 'Gives every token the probability of each label.', 2);

function labelStage(type: 'labels' | 'probabilities', summary: string, kind: 1 | 2) {
  return defineReducer({
    type,
    summary,
    options,
    examples: [],
    describe(input, { options: { labels } }) {
      if (input?.kind !== 'tokens') return refuse('labels belong to tokens.', { remedy: 'Put it behind an encoder.' });
      const size = kind === 1 ? 1 : labels.length;
      const axes = input.axes.map((axis) => (axis.name === 'channels' ? { name: 'components', size } : axis));
      return {
        output: { ...input, kind: 'projection', axes, dtype: 'float32', names: [type] },
        ...(axisSize(input, 'channels') === 0 && { notes: ['the files will be empty'] }),
      };
    },
    each(item: TokenGrid, { options, key }): Projection {
      const shares = sharesOf(item, options);
      const { id, axes, clip, origin, valid, values } = item;
      const { labels } = options;
      const cells = values.shape.slice(0, -1);
      return {
        kind: 'projection',
        id,
        key: key(item.key),
        axes: [...axes.slice(0, -1), 'components'],
        origin,
        ...(clip && { clip }),
        ...(valid && { valid }),
        ...(kind === 1
          ? {
              values: tensor('float32', [...cells, 1], likeliest(shares, labels.length)),
              limits: [[0, labels.length - 1]],
              meaning: 'label',
              groupNames: labels,
            }
          : {
              values: tensor('float32', [...cells, labels.length], shares),
              limits: labels.map(() => [0, 1] as const),
              meaning: 'coordinates',
              componentNames: labels,
            }),
        reducer: type,
      };
    },
  });
}

/** `[tokens, labels]`; NaN where a token saw no data. Throws an `InputError` for tokens of another encoder. */
function sharesOf({ id, encoder, values, valid }: TokenGrid, options: Options): Float32Array {
  const { fingerprint, weights, bias, length } = options;
  const channels = values.shape.at(-1)!;
  const remedy = 'Mark tokens in a run of this encoder; labels hold for one encoder, its weights and its precision.';
  if (encoder.fingerprint !== fingerprint)
    throw new InputError(
      id,
      `its tokens are of ${encoder.name} (${encoder.fingerprint.slice(0, 12)}), and the labels were made with ${options.encoder} (${fingerprint.slice(0, 12)}).`,
      { code: 'E_ENCODER', remedy },
    );
  if (weights[0]!.length !== channels)
    throw new InputError(id, `its tokens have ${channels} channels, and the labels are for ${weights[0]!.length}.`, {
      code: 'E_ENCODER',
      remedy,
    });
  const { data } = toFloat32(values);
  const tokens = data.length / Math.max(1, channels);
  const products = weights.map(() => new Float32Array(tokens));
  for (let token = 0; token < tokens; token++) {
    const from = token * channels;
    let squares = 0;
    for (let c = 0; c < channels; c++) squares += data[from + c]! * data[from + c]!;
    const factor = length === 'own' ? 1 : 1 / Math.sqrt(squares);
    const masked = valid?.[token] === 0 || squares === 0;
    for (const [label, weight] of weights.entries()) {
      let sum = 0;
      for (let c = 0; c < channels; c++) sum += data[from + c]! * weight[c]!;
      products[label]![token] = masked ? NaN : sum * factor;
    }
  }
  return labelShares(
    products,
    bias.map((value) => value ?? -Infinity),
  );
}

/** Only what lies on the Earth, so that the rest of a run is no error of a raster. */
export const placedStage = defineReducer({
  type: 'placed',
  summary: 'Passes on what has a place on the Earth.',
  options: z.strictObject({}),
  examples: [],
  describe(input) {
    if (input?.kind !== 'projection')
      return refuse('it passes projections on.', { remedy: 'Put it behind a reducer.' });
    return { output: { ...input, count: null } };
  },
  each: (item: Projection) =>
    item.clip?.frames.some(({ georeference }) => georeference !== undefined) ? item : undefined,
});
