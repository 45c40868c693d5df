import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineSource, definePipeline, spec, tensor, use, type Picture } from '@deepearth/core';
import { run } from '@deepearth/runtime/run';
import { gif } from '@deepearth/sinks/gif';
import { apng } from '@deepearth/sinks/apng';
import { webp } from '@deepearth/sinks/webp';
import { makePictures } from '@deepearth/testing';
import { mp4 } from '@deepearth/video/mp4';
import { expect, test } from 'vitest';
import { z } from 'zod';

const [height, width] = [24, 32];
const [made] = makePictures(1);

/** Draws a hundred pictures, each its own, in memory of the run or each in its own. */
const drawing = (shared: boolean, taken: Set<Uint8Array>) =>
  defineSource({
    type: 'drawing',
    summary: 'A test.',
    options: z.strictObject({}),
    examples: [],
    describe: () => ({ output: { ...spec('picture', { height, width, channels: 3 }, 'uint8', 100), names: ['made'] } }),
    async *process(_, { pixels }) {
      for (let number = 0; number < 100; number++) {
        const bytes = height * width * 3;
        const data = shared ? pixels.take(bytes) : new Uint8Array(bytes);
        for (let at = 0; at < bytes; at++) data[at] = (number * 37 + at * (number % 7)) % 256;
        taken.add(data);
        const frame = { ...made!.frame, id: `frame-${number}`, number };
        yield {
          ...made!,
          id: `made-${number}`,
          key: `${number}`,
          frame,
          pixels: tensor('uint8', [height, width, 3], data),
        } satisfies Picture as never;
      }
    },
  });

async function written(shared: boolean): Promise<{ digests: Record<string, string>; arrays: number }> {
  const taken = new Set<Uint8Array>();
  const output = await mkdtemp(join(tmpdir(), 'animations-'));
  const behind = { from: 'drawing' };
  const running = run(
    definePipeline([
      use(drawing(shared, taken), {}, { id: 'drawing' }),
      use(gif, { fps: 10 }, behind),
      use(apng, { fps: 10 }, behind),
      use(webp, { fps: 10 }, behind),
      use(mp4, { fps: 10, encoder: 'embedded' }, { ...behind, id: 'embedded' }),
      use(mp4, { fps: 10, encoder: 'auto' }, { ...behind, id: 'auto' }),
    ]),
    { output },
  );
  const { manifest } = await running.result;
  await rm(output, { recursive: true });
  return {
    digests: Object.fromEntries(manifest.outputs.map(({ path, sha256 }) => [path, sha256])),
    arrays: taken.size,
  };
}

test('animations are the same whether or not the memory of pictures is used again, and it is', async () => {
  const [once, again] = [await written(false), await written(true)];
  expect(Object.keys(once.digests)).toHaveLength(5);
  expect(again.digests).toEqual(once.digests);
  expect(once.arrays).toBe(100);
  expect(again.arrays).toBeLessThan(30);
});
