// Writes pictures as animated GIFs, one for each layer.

import { createReadStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { defineSink, InputError, lineage, refuse, spec, type Picture } from '@deepearth/core';
import { z } from 'zod';
import { gifWriter, sampleBytes, type GifWriter } from './gif-frames.ts';

export const gifOptions = z.strictObject({
  fps: z
    .number()
    .positive()
    .max(50)
    .default(12)
    .describe('Pictures per second, at most 50: browsers slow down anything faster.'),
  loop: z.boolean().default(true).describe('Play again and again, or once.'),
  colors: z.number().int().min(2).max(256).default(256).describe('The most colours of a picture.'),
  palette: z
    .enum(['shared', 'frame'])
    .default('shared')
    .describe(
      'One palette for all pictures, chosen from the first ones and again when later ones look different; or one for each picture.',
    ),
  dither: z.boolean().default(true).describe('Hide the steps between colours with a fixed pattern.'),
  directory: z.string().min(1).default('gif').describe('Folder inside the output folder.'),
});

/** A GIF that is being written, in the work folder until it is whole. */
interface Writing {
  readonly first: Picture;
  readonly path: string;
  readonly file: FileHandle;
  readonly writer: GifWriter;
  /** Digest of the keys of all pictures so far. */
  key: string;
}

export const gif = defineSink({
  type: 'gif',
  summary: 'Writes pictures as animated GIFs, one for each layer.',
  options: gifOptions,
  joins: 'merged',
  examples: ['- type: sink/gif', '- type: sink/gif\n  with: { fps: 6, loop: false }'],

  describe(input, { inputs }) {
    const other = inputs.find(({ spec: { kind } }) => kind !== 'picture');
    if (input?.kind !== 'picture' || other)
      return refuse(`a GIF is made of pictures, not ${(other?.spec ?? input)?.kind ?? 'nothing'}.`, {
        remedy: 'Put it behind a renderer.',
      });
    return {
      output: spec('artifact', {}, null, null),
      drains: true,
      memoryBytes: sampleBytes * Math.max(1, inputs.length),
    };
  },

  async *process(pictures: AsyncIterable<Picture>, context) {
    const { options, output, signal } = context;
    const layers = new Map<string, Writing>();
    const begin = async (first: Picture): Promise<Writing> => {
      const path = join(await context.workFolder(), `${layers.size}.gif`);
      const writing = { first, path, file: await open(path, 'w'), writer: await gifWriter(options), key: '' };
      layers.set(first.layer, writing);
      return writing;
    };
    const append = async ({ file }: Writing, parts: readonly Uint8Array[]): Promise<void> => {
      for (const part of parts) await file.writeFile(part);
    };
    try {
      for await (const picture of pictures) {
        signal.throwIfAborted();
        const writing = layers.get(picture.layer) ?? (await begin(picture));
        const taken = await context.attempt(picture, () => sameSize(writing.first, picture));
        if (!taken) continue;
        const [height, width, channels] = picture.pixels.shape as [number, number, number];
        writing.key = lineage(writing.key, picture.key);
        await append(writing, writing.writer.add({ data: picture.pixels.data, width, height, channels }));
      }
      for (const [layer, writing] of [...layers].sort(([a], [b]) => (a < b ? -1 : 1))) {
        signal.throwIfAborted();
        await append(writing, writing.writer.end());
        await writing.file.close();
        layers.delete(layer);
        yield await output.write(
          { path: `${options.directory}/${layer}.gif`, mediaType: 'image/gif', key: context.key(layer, writing.key) },
          createReadStream(writing.path) as AsyncIterable<Buffer>,
        );
      }
    } finally {
      for (const { file } of layers.values()) await file.close();
    }
  },
});

/** True, or an `InputError`. */
function sameSize(first: Picture, picture: Picture): true {
  const [a, b] = [first, picture].map(
    ({ pixels: { shape } }) => `${shape[1]} x ${shape[0]}${shape[2] === 4 ? ' with opacity' : ''}`,
  );
  if (a === b) return true;
  throw new InputError(
    picture.frame.origin,
    `the picture ${picture.id} is ${b}, but the GIF "${first.layer}" began with ${a} (${first.frame.origin}).`,
    {
      code: 'E_PICTURE_SIZE',
      remedy:
        'All pictures of a GIF have one size; write them with sink/pictures, or leave frames of another size out.',
    },
  );
}
