// Tells whether the result of a pipeline was made since it was asked for.

import { recipeOf } from '@deepearth/core/book';
import { lineage } from '@deepearth/core/lineage';
import type { Manifest } from '@deepearth/core/manifest';
import type { Pipeline } from '@deepearth/core/pipeline';
import { manifestName } from '@deepearth/core/safe-path';
import { sha256Aside } from '@deepearth/core/sha256';
import { openStore } from './open-store.ts';

const recipeDigest = (name: string, recipe: Manifest['pipeline']): string => lineage(name, recipe);

/** Whether a manifest is that of a whole result; items may be skipped. */
const isWhole = ({ status, range, clips }: Partial<Manifest>): boolean =>
  (status === 'done' || status === 'skipped') && !range && !clips;

/** The bytes of the manifest of an output; `undefined` where there is none. */
async function manifestIn(output: string): Promise<Uint8Array | undefined> {
  const file = await openStore(output).get(manifestName);
  return file && (await file.read(0, file.size).finally(() => file.close()));
}

/**
 * What `isMadeSince` needs to know: which pipeline is meant, and which result lies in its output, a folder or an
 * address in S3, before it is made.
 */
export async function resultMark(pipeline: Pipeline, output: string): Promise<string> {
  const there = await manifestIn(output);
  return `${recipeDigest(pipeline.name, recipeOf(pipeline))} ${there ? await sha256Aside(there) : ''}`;
}

/** Whether the whole result of the pipeline lies in its output now, and is not the one that lay there at the mark. */
export async function isMadeSince(mark: string, output: string): Promise<boolean> {
  const there = await manifestIn(output);
  if (!there) return false;
  const [recipe, former] = mark.split(' ');
  if ((await sha256Aside(there)) === former) return false;
  try {
    const manifest = JSON.parse(new TextDecoder().decode(there)) as Partial<Manifest>;
    return isWhole(manifest) && recipeDigest(manifest.name!, manifest.pipeline!) === recipe;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return false;
  }
}
