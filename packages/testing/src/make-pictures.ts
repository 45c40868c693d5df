// Makes pictures and artifacts, from a seed.

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { lineage } from '@deepearth/core/lineage';
import { sha256 } from '@deepearth/core/sha256';
import type { Artifact, Picture } from '@deepearth/core/items';
import { tensor } from '@deepearth/core/tensor';
import { makeFrames, type FrameShape } from './make-frames.ts';
import { seededRandom } from './random.ts';

/** `count` pictures `[height, width, 3]`, uint8, one for each of as many frames. */
export function makePictures(
  count: number,
  { layer = 'made', ...shape }: FrameShape & { readonly layer?: string } = {},
): Picture[] {
  return makeFrames(count, shape).map((frame): Picture => {
    const random = seededRandom((shape.seed ?? 1) * 31 + frame.number);
    const { width, height } = frame;
    const data = Uint8Array.from({ length: width * height * 3 }, () => 256 * random());
    return {
      kind: 'picture',
      id: `${layer}-${frame.id}`,
      key: lineage('made picture', layer, frame.key),
      pixels: tensor('uint8', [height, width, 3], data),
      frame,
      layer,
    };
  });
}

/** Writes `count` small text files under `made/` of `folder` and returns them as artifacts. */
export async function makeArtifacts(
  count: number,
  folder: string,
  { seed = 1 }: { readonly seed?: number } = {},
): Promise<Artifact[]> {
  const made: Artifact[] = [];
  for (let index = 0; index < count; index++) {
    const path = `made/file-${index}.txt`;
    const content = new TextEncoder().encode(`file ${index} of seed ${seed}\n`.repeat(1 + index));
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
    made.push({
      kind: 'artifact',
      id: path,
      key: lineage('made artifact', index, seed),
      path,
      bytes: content.byteLength,
      sha256: sha256(content),
      mediaType: 'text/plain',
    });
  }
  return made;
}
