// The file of labels that the explorer's page saves, and what follows from it for any token: for the page and
// `deepearth label`.

import type { EncoderIdentity } from '@deepearth/core/items';

/** What the page saves. */
export interface LabelsFile {
  readonly format: 1;
  /** Of the marked tokens; labels hold for tokens of this encoder alone. */
  readonly encoder: EncoderIdentity;
  readonly labels: readonly string[];
  /** The tokens that were marked by hand. */
  readonly marks: readonly LabelledToken[];
  /** Absent while fewer than two labels are marked, and from bundles without the directions of their code. */
  readonly model?: LabelModel;
}

/** A token that was marked, by names and numbers of the run. */
export interface LabelledToken {
  readonly label: string;
  readonly sequence: string;
  /** Which clip of the sequence, from 0. */
  readonly clip: number;
  /** The number of the first frame that it saw. */
  readonly frame: number;
  readonly step: number;
  readonly row: number;
  readonly column: number;
}

/** A multinomial logistic regression over the encoder's own tokens at length 1, one entry for each label. */
export interface LabelModel {
  /** `[labels, channels]`. */
  readonly weights: readonly (readonly number[])[];
  /** `null` of a label without a mark, which no token gets. */
  readonly bias: readonly (number | null)[];
}

/** Probabilities of scores. */
export function softmax(scores: readonly number[]): number[] {
  const most = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - most));
  const sum = powers.reduce((all, power) => all + power, 0);
  return powers.map((power) => power / sum);
}

/**
 * Probabilities of the labels, `[tokens, labels]`, of the products of tokens with the weights of each; NaN for a
 * product that is.
 */
export function labelShares(products: readonly Float32Array[], bias: readonly number[]): Float32Array {
  const labels = products.length;
  const tokens = products[0]?.length ?? 0;
  const out = new Float32Array(tokens * labels);
  for (let token = 0; token < tokens; token++)
    out.set(softmax(products.map((each, label) => each[token]! + bias[label]!)), token * labels);
  return out;
}

/** The likeliest label of each token, of several the first; NaN where the probabilities are. */
export function likeliest(shares: Float32Array, labels: number): Float32Array {
  return Float32Array.from({ length: shares.length / labels }, (_, token) => {
    const own = shares.subarray(token * labels, (token + 1) * labels);
    const most = Math.max(...own);
    return Number.isNaN(most) ? NaN : own.indexOf(most);
  });
}

/** What to multiply with the components of a code becomes what to multiply with the encoder's channels. */
export function toChannels(weights: Float32Array, directions: Float32Array): Float32Array {
  const channels = directions.length / weights.length;
  const out = new Float64Array(channels);
  weights.forEach((weight, component) => {
    for (let c = 0; c < channels; c++) out[c]! += weight * directions[component * channels + c]!;
  });
  return Float32Array.from(out);
}

/** The way back, for the components of any code of the same encoder. */
export function toComponents(weights: ArrayLike<number>, directions: Float32Array): Float32Array {
  const channels = weights.length;
  return Float32Array.from({ length: directions.length / channels }, (_, component) => {
    let sum = 0;
    for (let c = 0; c < channels; c++) sum += weights[c]! * directions[component * channels + c]!;
    return sum;
  });
}
