// Writes pictures as animated GIFs, one for each layer and sequence.

import {
  axisSize,
  defineSink,
  fileTemplate,
  fillTemplate,
  InputError,
  lineage,
  pathIn,
  refuse,
  sequenceCount,
  sequenceFile,
  sourceName,
  spec,
  type ArtifactWriter,
  type Picture,
} from '@deepearth/core';
import { z } from 'zod';
import { gifBytes, pixelsOf } from './estimate.ts';
import { folderOf } from './folder-of.ts';
import { canDelay, canMeasure, gifWriter, longestDelaySeconds, sampleBytes, type GifWriter } from './gif-frames.ts';

const usualFolder = 'gif';

/** Options of `sink/gif`. */
export const gifOptions = z.strictObject({
  fps: z
    .number()
    .positive()
    .max(50)
    .default(12)
    .describe(
      'Pictures per second, from 0.00153 (a GIF says at most 655.35 s) to 50: browsers slow down anything faster.',
    ),
  loop: z.boolean().default(true).describe('Play again and again, or once.'),
  colors: z.number().int().min(2).max(256).default(256).describe('Number of colours of a picture, at most.'),
  palette: z
    .enum(['shared', 'frame'])
    .default('shared')
    .describe(
      'One palette for all pictures, chosen from the first ones and again when later ones look different; or one for each picture.',
    ),
  dither: z.boolean().default(true).describe('Hide the steps between colours with a fixed pattern.'),
  directory: z
    .string()
    .min(1)
    .default(usualFolder)
    .describe(
      'Folder inside the output folder ("." for that itself). Where another stage would write the same names, it is the id of the stage.',
    ),
  file: fileTemplate(['layer', 'first', 'last'])
    .optional()
    .describe(
      'Names of the files below the folder, without ending: <layer> is that of the pictures, <first> and <last> are the numbers of the first and last frame they show. Default: "<layer>".',
    ),
});

/** A GIF that is being written. */
interface Writing {
  readonly first: Picture;
  readonly file: ArtifactWriter;
  readonly writer: GifWriter;
  /** Numbers of its frames. */
  readonly frames: number[];
  /** Digest of the keys of all pictures so far. */
  key: string;
}

/** The stage `sink/gif`. */
export const gif = defineSink({
  type: 'gif',
  summary: 'Writes pictures as animated GIFs, one for each layer (and sequence, where there are several).',
  options: gifOptions,
  joins: 'merged',
  examples: ['- type: sink/gif', '- type: sink/gif\n  with: { fps: 6, loop: false }'],

  describe(input, { options, inputs, ownName }) {
    const other = inputs.find(({ spec: { kind } }) => kind !== 'picture');
    if (input?.kind !== 'picture' || other)
      return refuse(`a GIF is made of pictures, not ${(other?.spec ?? input)?.kind ?? 'nothing'}.`, {
        remedy: 'Put it behind a renderer.',
      });
    if (!canDelay(options.fps))
      return refuse(
        `at ${options.fps} pictures per second one lasts ${Number((1 / options.fps).toPrecision(6))} s, and a GIF says at most ${longestDelaySeconds} s.`,
        { option: 'fps', remedy: 'Give at least 0.00153, or write pictures with sink/pictures.' },
      );
    for (const { spec: pictures } of inputs)
      for (const axis of ['width', 'height'])
        if (!canMeasure(axisSize(pictures, axis) ?? 0))
          return refuse(
            `a GIF has at most 65535 pixels along an edge, and the pictures have ${axisSize(pictures, axis)}.`,
            {
              remedy: 'Write them with sink/pictures.',
            },
          );
    const sum = pixelsOf(inputs);
    const files = inputs.reduce<number | null>(
      (all, { spec: { names, sequences } }) =>
        all === null || !names || sequences === null ? null : all + names.length * (sequences?.length ?? 1),
      0,
    );
    const streams = sequenceCount(inputs);
    return {
      output: { ...spec('artifact', {}, null, null), ...(files !== null && { most: { count: files } }) },
      ...(sum && { diskBytes: gifBytes(sum) }),
      files: {
        option: 'directory',
        paths: inputs.flatMap(({ id, spec: { names = ['<layer>'] } }) =>
          names.map((layer) => ({
            path: `${folderOf(options.directory, usualFolder, ownName)}/<sequence>/${(options.file ?? '<layer>').replaceAll('<layer>', layer)}.gif`,
            from: id,
          })),
        ),
      },
      drains: true,
      memoryBytes: sampleBytes * streams,
    };
  },

  async *process(pictures: AsyncIterable<Picture>, context) {
    const { options, output, signal, severalSequences } = context;
    const folder = folderOf(options.directory, usualFolder, context.ownName);
    const writings = new Map<string, Writing>();
    const begin = async (name: string, first: Picture): Promise<Writing> => {
      const file = await output.writer({ mediaType: 'image/gif' });
      const writing: Writing = { first, file, writer: await gifWriter(options), frames: [], key: '' };
      writings.set(name, writing);
      return writing;
    };
    const append = async ({ file }: Writing, parts: readonly Uint8Array[]): Promise<void> => {
      for (const part of parts) await file.append(part);
    };
    try {
      for await (const picture of pictures) {
        signal.throwIfAborted();
        const name = sequenceFile(picture.frame.sequence, picture.layer, severalSequences);
        const writing = writings.get(name) ?? (await begin(name, picture));
        const fits = await context.attempt(picture, () => sameSize(writing.first, picture));
        if (!fits) continue;
        const [height, width, channels] = picture.pixels.shape as [number, number, number];
        writing.key = lineage(writing.key, picture.key);
        writing.frames.push(picture.frame.number);
        await append(writing, writing.writer.add({ data: picture.pixels.data, width, height, channels }));
      }
      for (const [, writing] of [...writings].sort(([a], [b]) => (a < b ? -1 : 1))) {
        signal.throwIfAborted();
        await append(writing, writing.writer.end());
        const { layer, frame, id } = writing.first;
        const ends = { first: writing.frames[0]!, last: writing.frames.at(-1)! };
        const name = fillTemplate(options.file ?? '<layer>', { layer, ...ends }, id);
        yield await writing.file.commit({
          path: `${pathIn(folder, name, severalSequences ? frame.sequence : undefined)}.gif`,
          key: context.key(layer, writing.key),
          about: { kind: 'picture', sequence: frame.sequence, frames: writing.frames, layer },
        });
      }
    } finally {
      for (const { file } of writings.values()) await file.discard();
    }
  },
});

/** True, or an `InputError`. */
function sameSize(first: Picture, picture: Picture): true {
  const [a, b] = [first, picture].map(
    ({ pixels: { shape } }) => `${shape[1]} x ${shape[0]}${shape[2] === 4 ? ' with opacity' : ''}`,
  );
  if (!canMeasure(Math.max(...picture.pixels.shape.slice(0, 2))))
    throw new InputError(
      sourceName(picture.frame),
      `the picture ${picture.id} is ${b}; a GIF has at most 65535 pixels along an edge.`,
      {
        code: 'E_PICTURE_SIZE',
        remedy: 'Write it with sink/pictures.',
      },
    );
  if (a === b) return true;
  throw new InputError(
    sourceName(picture.frame),
    `the picture ${picture.id} is ${b}, but the GIF "${first.layer}" began with ${a} (${sourceName(first.frame)}).`,
    {
      code: 'E_PICTURE_SIZE',
      remedy:
        'All pictures of a GIF have one size; write them with sink/pictures, or leave frames of another size out.',
    },
  );
}
