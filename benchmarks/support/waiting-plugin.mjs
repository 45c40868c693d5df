// A plugin with an encoder that waits for a time that is given instead of computing, as a program waits for a device.

import { defineEncoder, lineage, spec, tensor } from '@deepearth/core';
import { readTokenFile } from '@deepearth/formats/token-file';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';

export const waiting = defineEncoder({
  type: 'waiting',
  summary: 'Waits for a while for every clip and sends tokens of the size that is asked for.',
  options: z.strictObject({
    seconds: z.number().min(0).describe('For each clip.'),
    shape: z.tuple([z.int(), z.int(), z.int(), z.int()]).describe('Time, height, width and channels of the tokens.'),
  }),
  examples: ['- type: encoder/waiting\n  with: { seconds: 0.5, shape: [8, 24, 24, 16] }'],
  describe: (input, { options: { shape } }) => {
    const [time, height, width, channels] = shape;
    return { output: spec('tokens', { time, height, width, channels }, 'float32', input.count) };
  },
  async each(clip, { options: { seconds, shape }, signal, key, type, former }) {
    const own = key(clip.key);
    const found = await former.find(own);
    if (found) return { ...(await readTokenFile(found, signal)), kind: 'tokens', clip };
    await pause(seconds * 1000, undefined, { signal });
    const { width, height, number } = clip.frames[0];
    const size = shape.reduce((product, axis) => product * axis);
    return {
      kind: 'tokens',
      id: clip.id,
      key: own,
      clip,
      values: tensor('float32', shape, new Float32Array(size).fill(number)),
      axes: ['time', 'height', 'width', 'channels'],
      origin: { kind: 'picture', geometry: { frameWidth: width, frameHeight: height, x: 0, y: 0, width, height } },
      encoder: { name: type, fingerprint: lineage(type, ...shape) },
    };
  },
});
