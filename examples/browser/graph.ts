// A graph that runs in a page as it does in Node: a stored token grid, its colours by PCA, a picture of them with
// caption and legend.

import { definePipeline, defineSource, run, use, type Picture, type StageDefinition } from '@deepearth/core';
import { bytesSource } from '@deepearth/formats';
import { readTokenFile } from '@deepearth/formats/token-file';
import { pcaStage } from '@deepearth/reducers/stages/pca';
import { tokens as tokensRenderer } from '@deepearth/renderers/tokens';
import { z } from 'zod';

/** Sends the token grid of one file whose bytes are at hand. */
const tokenFile = (bytes: Uint8Array, axes: readonly { name: string; size: number | null }[]) =>
  defineSource({
    type: 'token-bytes',
    summary: 'Reads a token file that is in memory.',
    options: z.strictObject({}),
    examples: ['- type: source/token-bytes'],
    describe: () => ({ output: { kind: 'tokens', axes, dtype: 'float32', count: 1 } }),
    async *process(_, { signal }) {
      const stored = await readTokenFile(bytesSource(bytes, 'tokens.safetensors'), signal);
      const frames = stored.clip?.frames.map((frame) => ({
        ...frame,
        read: () => Promise.reject(new Error('the pixels are not here')),
      }));
      yield { ...stored, ...(frames && { clip: { ...stored.clip, frames } }) } as never;
    },
  }) as unknown as StageDefinition;

/**
 * Draws the time steps of a token file `[time, height, width, channels]`; returns the pictures, `[height, width, 4]`.
 */
export async function draw(bytes: Uint8Array): Promise<Picture[]> {
  const axes = ['time', 'height', 'width', 'channels'].map((name) => ({ name, size: null }));
  const pipeline = definePipeline([
    use(tokenFile(bytes, axes), {}, { id: 'tokens' }),
    use(pcaStage as StageDefinition, {}, { id: 'pca' }),
    use(
      tokensRenderer as StageDefinition,
      { cellPixels: 40, background: 'transparent', caption: true, legend: true },
      { id: 'pictures' },
    ),
  ]);
  const running = run(pipeline);
  const pictures: Picture[] = [];
  for await (const picture of running.items('pictures')) pictures.push(picture as Picture);
  await running.result;
  return pictures;
}
