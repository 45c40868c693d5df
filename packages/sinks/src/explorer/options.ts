// The options of `sink/explorer`, and what its parts are given.

import { outputFolder, pathIn, type Artifact, type StageContext } from '@deepearth/core';
import { z } from 'zod';

/** Where files go that nobody chose a place for. */
export const usualFolder = 'explorer';

/** Options of `sink/explorer`. */
export const explorerOptions = z.strictObject({
  directory: outputFolder()
    .default(usualFolder)
    .describe(
      'Folder inside the output folder. Where another stage would write the same names, it is the id of the stage.',
    ),
  bytesPerToken: z
    .number()
    .int()
    .min(8)
    .max(512)
    .optional()
    .describe(
      'Bytes for each token. Default: as few of 64, 128 and 256 as keep nine tenths of the 20 nearest tokens by exact cosine, in a sample.',
    ),
  pictureEdge: z
    .number()
    .int()
    .min(32)
    .max(4096)
    .default(720)
    .describe('Longest edge of the pictures, in pixels; smaller frames stay as they are.'),
  quality: z.number().int().min(1).max(100).default(82).describe('Quality of the pictures, which are JPEG files.'),
});

/** The same, with their defaults. */
export type ExplorerOptions = z.output<typeof explorerOptions>;
/** What the parts of the stage are given of a run. */
export type ExplorerContext = StageContext<ExplorerOptions>;

/** Writes a file of the bundle; `content` is the lineage of what it was made of. */
export type Write = (path: string, mediaType: string, key: string, bytes: Uint8Array) => Promise<Artifact>;

/** Writes into a folder of the run's store. */
export const writerOf =
  (folder: string, { output, key }: ExplorerContext): Write =>
  (path, mediaType, content, bytes) =>
    output.write(
      { path: pathIn(folder, path), mediaType, key: key(path, content), about: { kind: 'artifact' } },
      bytes,
    );
