import fc from 'fast-check';
import { expect, test } from 'vitest';
import { softmax } from '@deepearth/sinks/explorer/label-model';
import { fitLogistic, type Logistic } from './logistic.ts';

const answer = ({ weights, bias }: Logistic, vector: Float32Array): number[] =>
  softmax(weights.map((weight, each) => vector.reduce((sum, value, i) => sum + value * weight[i]!, bias[each]!)));
const best = (probabilities: readonly number[]): number => probabilities.indexOf(Math.max(...probabilities));

test('vectors that lie close together around a center are told apart', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 5 }), fc.integer({ min: 1, max: 6 }), fc.nat(1000), (classes, each, seed) => {
      const center = Array.from({ length: 8 }, (_, i) => Math.cos(i + seed));
      const noise = (row: number, i: number): number => 0.002 * Math.sin(row * 12.9898 + i * 78.233 + seed);
      const classOf = Array.from({ length: classes * each }, (_, row) => row % classes);
      const vectors = classOf.map((one, row) =>
        Float32Array.from(center, (value, i) => value + (i === one ? 0.02 : 0) + noise(row, i)),
      );
      const fitted = fitLogistic(vectors, classOf, classes, center);
      vectors.forEach((vector, row) => expect(best(answer(fitted, vector))).toBe(classOf[row]));
      const shares = answer(fitted, vectors[0]!);
      expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 6);
    }),
    { numRuns: 30 },
  );
});

test('a class with many vectors does not swallow one with few, and one without any is no answer', () => {
  const few = Float32Array.of(1, 0);
  const many = Array.from({ length: 50 }, () => Float32Array.of(0, 1));
  const fitted = fitLogistic([few, ...many], [0, ...many.map(() => 2)], 3, [0.5, 0.5]);
  expect(best(answer(fitted, few))).toBe(0);
  expect(answer(fitted, few)[1]).toBe(0);
  // Half-way between the two it does not know.
  expect(answer(fitted, Float32Array.of(0.5, 0.5))[0]).toBeCloseTo(0.5, 1);
});
