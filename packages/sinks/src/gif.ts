// Writes pictures as animated GIFs, one for each layer.

import { defineSink, InputError, refuse, spec, type Artifact, type Picture } from '@deepearth/core';
import { z } from 'zod';
import { channel, type Channel } from './channel.ts';
import { gifBytes, type GifPicture } from './gif-frames.ts';

export const gifOptions = z.strictObject({
  fps: z.number().positive().max(50).default(12).describe('Pictures per second, at most 50: browsers slow down anything faster.'),
  loop: z.boolean().default(true).describe('Play again and again, or once.'),
  colors: z.number().int().min(2).max(256).default(256).describe('The most colours of a picture.'),
  palette: z.enum(['shared', 'frame']).default('shared').describe('One palette for all pictures, chosen from the first ones and again when later ones look different; or one for each picture.'),
  dither: z.boolean().default(true).describe('Hide the steps between colours with a fixed pattern.'),
  directory: z.string().min(1).default('gif').describe('Folder inside the output folder.'),
});

/** A GIF that is being written. */
interface Writing {
  readonly pictures: Channel<GifPicture>;
  readonly artifact: Promise<Artifact>;
  readonly first: Picture;
}

export const gif = defineSink({
  type: 'gif',
  summary: 'Writes pictures as animated GIFs, one for each layer.',
  options: gifOptions,
  joins: 'merged',
  examples: ['- sink/gif', '- sink/gif: { fps: 6, loop: false }'],

  describe(input) {
    if (input?.kind !== 'picture') return refuse(`a GIF is made of pictures, not ${input?.kind ?? 'nothing'}`, { remedy: 'Put it behind a renderer.' });
    // A few dozen pictures, until the palette is chosen.
    return { output: spec('artifact', {}, null, null), memoryBytes: 64 * 2 ** 20 };
  },

  async *process(pictures: AsyncIterable<Picture>, context) {
    const { options, output, signal } = context;
    const layers = new Map<string, Writing>();
    const begin = (first: Picture): Writing => {
      const frames = channel<GifPicture>();
      const file = { path: `${options.directory}/${first.layer}.gif`, mediaType: 'image/gif', key: context.key('gif', first.layer, first.key) };
      const artifact = output.write(file, gifBytes(frames, options));
      // The failure is thrown where the next picture is pushed, or at the end; until then nobody listens.
      artifact.catch(() => undefined);
      return { pictures: frames, artifact, first };
    };
    try {
      for await (const picture of pictures) {
        signal.throwIfAborted();
        const [height, width, channels] = picture.pixels.shape as [number, number, number];
        const known = layers.get(picture.layer);
        if (known) sameSize(known.first, picture);
        const writing = known ?? begin(picture);
        layers.set(picture.layer, writing);
        await Promise.race([writing.pictures.push({ data: picture.pixels.data, width, height, channels }), writing.artifact]);
      }
      for (const { pictures: frames } of layers.values()) frames.end();
      for (const { artifact } of layers.values()) yield await artifact;
    } catch (error) {
      for (const { pictures: frames } of layers.values()) frames.fail(error);
      await Promise.allSettled([...layers.values()].map(({ artifact }) => artifact));
      throw error;
    }
  },
});

function sameSize(first: Picture, picture: Picture): void {
  const [a, b] = [first, picture].map(({ pixels: { shape } }) => `${shape[1]} x ${shape[0]}${shape[2] === 4 ? ' with opacity' : ''}`);
  if (a === b) return;
  throw new InputError(picture.frame.origin, `the picture ${picture.id} is ${b}, but the GIF "${first.layer}" began with ${a} (${first.frame.origin}).`, {
    code: 'E_PICTURE_SIZE',
    remedy: 'All pictures of a GIF have one size; write them with sink/pictures, or leave frames of another size out.',
  });
}
