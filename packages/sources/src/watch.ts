// Watches a folder that a camera or a ground station writes to, and sends each picture as soon as it is whole.

import { join } from 'node:path';
import { defineSource, readingBytes, refuse, spec } from '@deepearth/core';
import { cacheRoom } from '@deepearth/vision/cache-room';
import { pictureHeader } from '@deepearth/vision/picture-header';
import type { Size } from './frame-size.ts';
import { ownSequence } from './growing-sequences.ts';
import { nameExpression } from './name-expression.ts';
import { byName } from './picture-folder.ts';
import { reopenPicture } from './picture-frames.ts';
import { spread } from './series-stretch.ts';
import { watchOptions, type WatchOptions } from './watch-options.ts';
import { watchedFolder } from './watched-folder.ts';
import { stretchRemedy, watchedFrames, wideWithoutStretch } from './watched-frames.ts';

export { watchOptions, type WatchOptions };

/** What is in the folder before a run begins. */
export interface WatchSurvey {
  readonly files: number;
  /** Of the pictures that were looked at, where it is the same. */
  readonly size?: Size | undefined;
  /** A picture of more than 8 bits. */
  readonly wide?: string | undefined;
}

const mostSampled = 64;

async function surveyFolder(options: WatchOptions): Promise<WatchSurvey> {
  const { directory, pattern, recursive } = options;
  const folder = watchedFolder({
    directory,
    recursive,
    pattern: pattern === undefined ? undefined : nameExpression(pattern),
  });
  const files = await folder.fresh();
  const looked = await Promise.all(
    spread(files.sort(byName), mostSampled).map(async (file) => ({
      file,
      header: await pictureHeader(join(directory, file)),
    })),
  );
  const [size, ...others] = looked.flatMap(({ header }) => header ?? []);
  const alike = size && others.every(({ width, height }) => width === size.width && height === size.height);
  return {
    files: files.length,
    size: alike ? { width: size.width, height: size.height } : undefined,
    wide: looked.find(({ header }) => header?.wide)?.file,
  };
}

/** The stage `source/watch`. */
export const watch = defineSource({
  type: 'watch',
  summary: 'Watches a folder that pictures are written to, and sends each as soon as it is whole.',
  options: watchOptions,
  reads: ['directory'],
  placement: ['cacheBytes', 'spillBytes'],
  examples: [
    '- type: source/watch\n  with: { directory: incoming }',
    '- type: source/watch\n  with: { directory: /mnt/cameras, recursive: true, stableSeconds: 5, idleEndSeconds: 3600 }',
  ],

  survey: surveyFolder,

  describe(_, { options, survey }) {
    const { stretch, sizes, recursive } = options;
    if (stretch === 'percentile' || (typeof stretch === 'object' && 'percentile' in stretch))
      return refuse('a folder that is watched has no end, so there are no percentiles of all its values.', {
        option: 'stretch',
        remedy: stretchRemedy,
      });
    if (survey?.wide !== undefined && stretch === undefined)
      return refuse(`${survey.wide} ${wideWithoutStretch}`, { remedy: stretchRemedy });
    const size = sizes === 'same' && !recursive ? survey?.size : undefined;
    const stream = spec(
      'frame',
      { height: size?.height ?? null, width: size?.width ?? null, channels: 3 },
      options.values === 'uint8' ? 'uint8' : null,
    );
    return {
      output: {
        ...stream,
        sequences: recursive ? null : [ownSequence(options)],
        // Cameras write when they like.
        ...(recursive && { interleaved: true }),
      },
      memoryBytes: cacheRoom(options.cacheBytes, stream) + readingBytes(stream),
      diskBytes: options.spillBytes,
      notes: [
        ...(survey ? [`${survey.files} ${survey.files === 1 ? 'picture is' : 'pictures are'} there`] : []),
        options.idleEndSeconds === undefined
          ? 'goes on until it is stopped (Ctrl-C); `idleEndSeconds` ends it when nothing comes any more'
          : `ends when nothing has come for ${options.idleEndSeconds} s`,
      ],
    };
  },

  process: (_, context) => watchedFrames(context),

  reopen: reopenPicture,
});
