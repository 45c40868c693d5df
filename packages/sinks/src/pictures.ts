// Writes every picture as a file of its own.

import {
  defineSink,
  fileTemplate,
  fillTemplate,
  folderOf,
  frameFile,
  InputError,
  itemBytes,
  outputFolder,
  pathIn,
  refuse,
  spec,
  type Picture,
  type StreamSpec,
} from '@deepearth/core';
import { z } from 'zod';
import { pixelsOf } from '@deepearth/vision/picture-sum';
import { pictureBytes } from './estimate.ts';
import { inOrder } from '@deepearth/core/in-order';

const usualFolder = 'pictures';

/** Options of `sink/pictures`. */
export const picturesOptions = z.strictObject({
  format: z
    .enum(['png', 'jpeg', 'webp', 'svg'])
    .default('png')
    .describe('PNG keeps every value; JPEG and WebP are smaller; SVG is for points and lines (`renderer/scatter`).'),
  quality: z
    .number()
    .int()
    .min(1)
    .max(100)
    .default(90)
    .describe(
      'Quality of JPEG and WebP files. Of a JPEG below 95, two by two pixels share a colour (4:2:0, as usual); from 95 on, each has its own.',
    ),
  directory: outputFolder()
    .default(usualFolder)
    .describe(
      'Folder inside the output folder ("." for that itself); each layer has a folder of its own in it. Where another stage would write the same names, it is the id of the stage.',
    ),
  file: fileTemplate(['layer', 'number', 'first', 'last', 'step', 'stepFirst', 'stepLast', 'position'])
    .optional()
    .describe(
      'Names of the files below the folder, without ending. <layer> and <number> are those of the picture, <first> and <last> the numbers of the first and last frame of its clip, <step> its step of time with <stepFirst> and <stepLast>, <position> which frame of the clip it is. Default: "<layer>/frame_<number>".',
    ),
});

const endings = { png: 'png', jpeg: 'jpg', webp: 'webp', svg: 'svg' } as const;
const mediaTypes = { png: 'image/png', jpeg: 'image/jpeg', webp: 'image/webp', svg: 'image/svg+xml' } as const;

/** The stage `sink/pictures`. */
export const pictures = defineSink({
  type: 'pictures',
  summary: 'Writes every picture as a PNG, JPEG, WebP or SVG file: LAYER/frame_000616.png.',
  options: picturesOptions,
  joins: 'parallel',
  examples: [
    '- type: sink/pictures',
    '- type: sink/pictures\n  with: { format: jpeg, quality: 95, directory: stills }',
  ],

  describe(input, { options, inputs, ownName }) {
    const other = inputs.find(({ spec: { kind } }) => kind !== 'picture');
    if (input?.kind !== 'picture' || other)
      return refuse(`sink/pictures takes pictures, not ${(other?.spec ?? input)?.kind ?? 'nothing'}.`, {
        remedy: 'Put it behind a renderer.',
      });
    const flat = options.format === 'svg' && inputs.find(({ spec: { svg } }) => !svg);
    if (flat)
      return refuse(`what ${flat.id} draws is made of pixels and cannot be written as SVG.`, {
        option: 'format',
        remedy: 'Take `png`; `renderer/scatter` draws SVG.',
      });
    const sum = pixelsOf(inputs);
    const folder = folderOf(options.directory, usualFolder, ownName);
    return {
      output: {
        ...spec('artifact', {}, null, inputs.length === 1 ? input.count : null),
        ...(sum && { most: { count: sum.pictures } }),
      },
      // Of each picture, its pixels and the file.
      memoryBytes: inputs.reduce((total, { spec: each }) => total + 2 * (itemBytes(each) ?? 0) * atOnce(each), 0),
      ...(sum && { diskBytes: pictureBytes(sum, options.format, options.quality) }),
      files: {
        option: 'directory',
        paths: inputs.flatMap(({ id, spec: { names = ['<layer>'] } }) =>
          names.map((layer) => ({
            path: `${pathIn(
              folder,
              options.file === undefined
                ? `${layer}/<sequence>/frame_<number>`
                : `<sequence>/${options.file.replaceAll('<layer>', layer)}`,
            )}.${endings[options.format]}`,
            from: id,
          })),
        ),
      },
    };
  },

  async *process(
    pictures: AsyncIterable<Picture>,
    {
      options: { format, quality, directory, file },
      inputs,
      output,
      pixels,
      key,
      attempt,
      signal,
      severalSequences,
      ownName,
    },
  ) {
    const folder = folderOf(directory, usualFolder, ownName);
    const most = Math.min(...inputs.map(({ spec: each }) => atOnce(each)));
    const files = inOrder(pictures, most, async (picture) => {
      const written = await attempt(picture, async () => {
        signal.throwIfAborted();
        const { frame, layer } = picture;
        const named = file === undefined ? `${layer}/${frameFile(frame, severalSequences)}` : nameOf(file, picture);
        const sequence = severalSequences && file !== undefined ? frame.sequence : undefined;
        const path = `${pathIn(folder, named, sequence)}.${endings[format]}`;
        const about = { kind: 'picture', sequence: frame.sequence, frames: [frame.number], layer };
        return output.write(
          { path, mediaType: mediaTypes[format], key: key(picture.key), about },
          format === 'svg' ? svgOf(picture) : await encodePicture(picture.pixels, format, quality),
        );
      });
      pixels.release(picture);
      return written;
    });
    for await (const file of files) if (file) yield file;
  },
});

function svgOf({ id, svg }: Picture): Uint8Array {
  if (!svg)
    throw new InputError(id, 'is made of pixels and cannot be written as SVG.', { remedy: 'Take `format: png`.' });
  return new TextEncoder().encode(svg());
}

const nameOf = (file: string, { id, frame, layer, place }: Picture): string =>
  fillTemplate(file, { layer, number: frame.number, ...place }, id);

/**
 * How many pictures are encoded at a time: encoding runs beside this thread and writing waits for the disk, so a few
 * keep both busy; of large ones, no more than 64 MiB allow.
 */
const atOnce = (pictures: StreamSpec): number =>
  Math.min(Math.max(Math.floor(2 ** 26 / (itemBytes(pictures) || 1)), 1), 3);

/**
 * Encodes pixels with fixed settings, without metadata: the same pixels are the same bytes. JPEG has no opacity, it
 * becomes black; below a quality of 95 its colours are stored at half the width and height; its code tables are those
 * of the standard, as tables of a picture's own cost more than twice the time and save a hundredth of the file. PNG
 * filters are chosen per row at a low level: a third smaller than unfiltered at the usual level 6, in about the same
 * time.
 */
export async function encodePicture(
  { data, shape }: Picture['pixels'],
  format: 'png' | 'jpeg' | 'webp',
  quality = 90,
): Promise<Uint8Array> {
  const { default: sharp } = await import('sharp');
  const [height, width, channels] = shape as [number, number, 3 | 4];
  const image = sharp(data, { raw: { width, height, channels }, limitInputPixels: false });
  if (format === 'jpeg')
    return image
      .flatten({ background: '#000000' })
      .jpeg({ quality, chromaSubsampling: quality < 95 ? '4:2:0' : '4:4:4', mozjpeg: false, optimiseCoding: false })
      .toBuffer();
  return format === 'webp'
    ? image.webp({ quality, effort: 4 }).toBuffer()
    : image.png({ compressionLevel: 3, adaptiveFiltering: true, palette: false }).toBuffer();
}
