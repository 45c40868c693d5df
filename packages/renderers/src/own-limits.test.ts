import { tensor, type Picture, type Projection, type StageDefinition } from '@deepearth/core';
import { runStage } from '@deepearth/runtime/run-stage';
import { given, makeProjections } from '@deepearth/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { overlay } from './overlay.ts';
import { withOwnLimits } from './own-limits.ts';
import { tokens } from './tokens.ts';

/** One clip of one number per token. */
const clipOf = (numbers: readonly number[], rest: Partial<Projection> = {}): Projection => ({
  ...makeProjections({ time: 1, height: 1, width: numbers.length, components: 1, count: 1 })[0]!,
  values: tensor('float32', [1, 1, numbers.length, 1], Float32Array.from(numbers)),
  limits: [[0, 1000]],
  meaning: 'scalar',
  ...rest,
});

test('limits are percentiles 1 and 99 of the tokens that saw data', () => {
  // Of 0 … 100 in any order percentile p is p.
  const numbers = Array.from({ length: 101 }, (_, i) => (i * 37) % 101);
  expect(withOwnLimits(clipOf(numbers)).limits).toEqual([[1, 99]]);
  const blind = clipOf([...numbers, 5000, NaN], {
    valid: Uint8Array.from({ length: 103 }, (_, i) => (i < 101 ? 255 : 0)),
  });
  expect(withOwnLimits(blind).limits).toEqual([[1, 99]]);
  expect(withOwnLimits(clipOf([NaN, NaN])).limits).toEqual([[0, 1000]]);
});

test('limits lie within the numbers, move with them, and groups and finished colours keep theirs', () => {
  const numbers = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(numbers, fc.integer({ min: -100, max: 100 }), (list, shift) => {
      const [[low, high]] = withOwnLimits(clipOf(list)).limits as [[number, number]];
      expect(low).toBeGreaterThanOrEqual(Math.min(...list));
      expect(high).toBeLessThanOrEqual(Math.max(...list));
      expect(low).toBeLessThanOrEqual(high);
      const [[movedLow, movedHigh]] = withOwnLimits(clipOf(list.map((n) => n + shift))).limits as [[number, number]];
      expect([movedLow - shift, movedHigh - shift]).toEqual([expect.closeTo(low, 3), expect.closeTo(high, 3)]);
    }),
  );
  for (const rest of [{ meaning: 'label' }, { componentNames: ['red'] }] as const)
    expect(withOwnLimits(clipOf([1, 2, 3], rest)).limits).toEqual([[0, 1000]]);
});

describe('scale: clip', () => {
  const drawn = async (stage: unknown, options: object): Promise<Picture[]> => {
    // The second clip is the first, ten times as faint.
    const [one, two] = makeProjections({ time: 1, height: 2, width: 2, count: 2 }) as [Projection, Projection];
    const faint = { ...two, values: { ...one.values, data: (one.values.data as Float32Array).map((v) => v / 10) } };
    const found: Picture[] = [];
    for await (const picture of runStage(stage as StageDefinition, { options, inputs: [given([one, faint])] }))
      found.push(picture as Picture);
    return found;
  };

  test('gives a faint clip the colours of a strong one; one scale for the run does not', async () => {
    const [first, second] = await drawn(tokens, { scale: 'clip', cellPixels: 1 });
    expect(second!.pixels).toEqual(first!.pixels);
    expect(first!.legends).toEqual([]);
    const [one, two] = await drawn(tokens, { cellPixels: 1 });
    expect(two!.pixels).not.toEqual(one!.pixels);
    expect(one!.legends).toHaveLength(1);
  });

  test('takes no legend, whose numbers would change from clip to clip', async () => {
    for (const stage of [tokens, overlay])
      await expect(drawn(stage, { scale: 'clip', legend: true })).rejects.toThrow(
        'a legend has the numbers of the run; with `scale: clip` each clip has others',
      );
  });
});
