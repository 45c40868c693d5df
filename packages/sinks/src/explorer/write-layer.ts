// Writes a projection of the run as a layer.

import { lineage, type Artifact, type Projection } from '@deepearth/core';
import { layerPath, type BundleClip, type BundleLayer } from './bundle-index.ts';
import { layerChunks, type LayerChunk } from './layer-chunks.ts';
import type { ExplorerContext, Write } from './options.ts';

/** Writes the bytes of one stream of projections; returns what the index says of them, nothing where none came. */
export async function* writeLayer(
  layer: number,
  projections: AsyncIterable<Projection>,
  clips: ReadonlyMap<string, BundleClip>,
  chunks: readonly number[],
  { attempt }: ExplorerContext,
  write: Write,
): AsyncGenerator<Artifact, BundleLayer | undefined> {
  const collected = layerChunks(clips, chunks);
  let content = '';
  const save = ({ chunk, bytes }: LayerChunk): Promise<Artifact> =>
    write(layerPath(layer, chunk), 'application/octet-stream', content, bytes);
  for await (const projection of projections) {
    content = lineage(content, projection.key);
    const whole = (await attempt(projection, () => collected.add(projection))) ?? [];
    for (const chunk of whole) yield await save(chunk);
  }
  const { chunks: rest, layer: told } = collected.end();
  for (const chunk of rest) yield await save(chunk);
  return told;
}
