// A plugin with an encoder that makes grids of numbers without looking at any picture, so that a run draws and does
// nothing else.

import { defineEncoder, lineage, spec, tensor } from '@deepearth/core';
import { z } from 'zod';

const [time, height, width, channels] = [8, 24, 24, 3];

export const numbers = defineEncoder({
  type: 'numbers',
  summary: 'Makes a grid of numbers for every clip, without looking at it.',
  options: z.strictObject({}),
  examples: ['- type: encoder/numbers'],
  describe: (input) => ({ output: spec('tokens', { time, height, width, channels }, 'float32', input.count) }),
  each(clip, { key, type }) {
    const frame = clip.frames[0];
    const data = Float32Array.from({ length: time * height * width * channels }, (_, i) =>
      Math.sin(i * 0.37 + frame.number),
    );
    const edges = { width: frame.width, height: frame.height };
    return {
      kind: 'tokens',
      id: clip.id,
      key: key(clip.key),
      clip,
      values: tensor('float32', [time, height, width, channels], data),
      axes: ['time', 'height', 'width', 'channels'],
      origin: {
        kind: 'picture',
        geometry: { frameWidth: edges.width, frameHeight: edges.height, x: 0, y: 0, ...edges },
      },
      encoder: { name: type, fingerprint: lineage(type) },
    };
  },
});
