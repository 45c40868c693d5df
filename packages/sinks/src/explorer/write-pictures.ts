// Writes the pictures of frames.

import type { Artifact } from '@deepearth/core';
import { inOrder } from '@deepearth/core/in-order';
import { picturePath } from './bundle-index.ts';
import { framePicture } from './frame-picture.ts';
import type { ExplorerContext, Write } from './options.ts';
import type { NewFrame, SequenceTable } from './sequence-table.ts';

/** Each has the pixels of a frame in memory. */
export const picturesAtOnce = 2;

/** Writes the pictures of frames, a few at a time; a frame that fails and may be skipped has none. */
export async function* writePictures(
  news: readonly NewFrame[],
  sequences: SequenceTable,
  { options: { pictureEdge, quality }, attempt, signal }: ExplorerContext,
  write: Write,
): AsyncGenerator<Artifact> {
  const each = async function* () {
    yield* news;
  };
  const files = inOrder(each(), picturesAtOnce, async ({ frame, sequence, position }) => {
    const written = await attempt(frame, async () =>
      write(
        picturePath(sequence, position),
        'image/jpeg',
        frame.key,
        await framePicture(frame, pictureEdge, quality, signal),
      ),
    );
    if (!written) sequences.lack({ sequence, position });
    return written;
  });
  for await (const file of files) if (file) yield file;
}
