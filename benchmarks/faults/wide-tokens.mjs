// An encoder of wide tokens without a model, for measuring what comes after it: noise that follows the keys of clips.

import { defineEncoder, lineage, refuse, spec, tensor } from '@deepearth/core';
import { z } from 'zod';

const noise = new Float32Array(100_003);
let state = 1;
for (let i = 0; i < noise.length; i++) {
  state = Math.imul(state, 1664525) + 1013904223;
  noise[i] = (state >>> 8) / 2 ** 24;
}

export const wide = defineEncoder({
  type: 'wide',
  summary: 'Makes wide tokens of noise.',
  options: z.strictObject({
    side: z.int().min(1).default(12).describe('Cells of a side.'),
    channels: z.int().min(1).default(768).describe('Numbers of a token.'),
  }),
  examples: ['- type: encoder/wide'],
  describe: (input, { options: { side, channels } }) =>
    input?.kind === 'clip'
      ? { output: spec('tokens', { time: 8, height: side, width: side, channels }, 'float32', input.count) }
      : refuse('it takes clips.'),
  each(clip, { options: { side, channels }, key, type }) {
    const { width, height } = clip.frames[0];
    const data = new Float32Array(8 * side * side * channels);
    // Quick, so that the thread of the command is free: the same noise, from another place for each clip.
    const shift = Number.parseInt(clip.key.slice(0, 4), 16) % noise.length;
    for (let at = 0; at < data.length; at += noise.length)
      data.set(noise.subarray(0, Math.min(noise.length, data.length - at)), at);
    data.copyWithin(0, shift);
    return {
      kind: 'tokens',
      id: clip.id,
      key: key(clip.key),
      axes: ['time', 'height', 'width', 'channels'],
      values: tensor('float32', [8, side, side, channels], data),
      origin: { kind: 'picture', geometry: { frameWidth: width, frameHeight: height, x: 0, y: 0, width, height } },
      clip,
      encoder: { name: type, fingerprint: lineage(type, side, channels) },
    };
  },
});
