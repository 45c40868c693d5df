// Multinomial logistic regression on a few vectors.

import { softmax } from '@deepearth/sinks/explorer/label-model';

/** Scores of classes are `vector · weights[class] + bias[class]`; the softmax of them are probabilities. */
export interface Logistic {
  readonly weights: readonly Float32Array[];
  readonly bias: readonly number[];
}

/** What keeps weights small where classes are told apart anyhow. */
const decay = 0.01;
const rounds = 300;
const rate = 0.5;

/**
 * Fits to `vectors` and the class of each, all classes with the same weight whatever their number of vectors. Vectors
 * are taken from `center` and in units of their mean distance from it, since those of one encoder lie close together.
 * Full gradients from zero: the same vectors make the same weights.
 */
export function fitLogistic(
  vectors: readonly Float32Array[],
  classOf: readonly number[],
  classes: number,
  center: readonly number[],
): Logistic {
  const size = center.length;
  const moved = vectors.map((vector) => vector.map((value, i) => value - center[i]!));
  const unit = moved.reduce((sum, vector) => sum + Math.hypot(...vector), 0) / Math.max(1, moved.length) || 1;
  const counts = Array.from({ length: classes }, (_, each) => classOf.filter((one) => one === each).length);
  const present = counts.filter((count) => count > 0).length;
  const weights = counts.map(() => new Float64Array(size));
  const bias = new Float64Array(classes);
  for (let round = 0; round < rounds; round++) {
    const slopes = weights.map((weight) => weight.map((value) => -decay * value));
    const biasSlopes = new Float64Array(classes);
    moved.forEach((vector, row) => {
      const scores = weights.map((weight, each) => {
        // A class without a vector is never the answer.
        if (counts[each] === 0) return -Infinity;
        let sum = bias[each]!;
        for (let i = 0; i < size; i++) sum += (weight[i]! * vector[i]!) / unit;
        return sum;
      });
      const share = 1 / (present * counts[classOf[row]!]!);
      softmax(scores).forEach((probability, each) => {
        const error = (Number(classOf[row] === each) - probability) * share;
        biasSlopes[each]! += error;
        for (let i = 0; i < size; i++) slopes[each]![i]! += (error * vector[i]!) / unit;
      });
    });
    weights.forEach((weight, each) => weight.forEach((_, i) => (weight[i]! += rate * slopes[each]![i]!)));
    biasSlopes.forEach((slope, each) => (bias[each]! += rate * slope));
  }
  return {
    weights: weights.map((weight) => Float32Array.from(weight, (value) => value / unit)),
    bias: weights.map((weight, each) =>
      counts[each] === 0
        ? -Infinity
        : bias[each]! - weight.reduce((sum, value, i) => sum + (value * center[i]!) / unit, 0),
    ),
  };
}
