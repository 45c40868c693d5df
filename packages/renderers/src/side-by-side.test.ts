import type { Picture, StageDefinition } from '@deepearth/core';
import { runStage } from '@deepearth/runtime/run-stage';
import { describeStage, given, makeProjections } from '@deepearth/testing';
import { expect, test } from 'vitest';
import { overlay } from './overlay.ts';
import { sideBySide } from './side-by-side.ts';

describeStage(sideBySide, { otherOptions: { gapPixels: 3 }, inputs: () => [given(makeProjections({ count: 4 }))] });

test('the left half is the frame, the right half its overlay, black between them', async () => {
  const first = async (stage: StageDefinition, options = {}): Promise<Picture> => {
    for await (const picture of runStage(stage, { options, inputs: [given(makeProjections({ count: 1 }))] }))
      return picture as Picture;
    throw new Error('no picture');
  };
  const [both, right] = [await first(sideBySide, { gapPixels: 2 }), await first(overlay)];
  const left = (await both.frame.read()).values.data;
  const { width, height } = both.frame;
  expect(both.pixels.shape).toEqual([height, 2 * width + 2, 3]);
  for (let row = 0; row < height; row++) {
    const line = [...both.pixels.data.subarray(row * (2 * width + 2) * 3, (row + 1) * (2 * width + 2) * 3)];
    expect(line.slice(0, width * 3)).toEqual([...left.subarray(row * width * 3, (row + 1) * width * 3)]);
    expect(line.slice(width * 3, width * 3 + 6)).toEqual([0, 0, 0, 0, 0, 0]);
    expect(line.slice(width * 3 + 6)).toEqual([...right.pixels.data.subarray(row * width * 3, (row + 1) * width * 3)]);
  }
});
