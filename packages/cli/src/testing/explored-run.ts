// A small run to look into: two sequences, two clips of each, tokens of the built-in encoder, colours of PCA.

import { definePipeline, use } from '@deepearth/core/pipeline';
import { vjepa2 } from '@deepearth/model-vjepa2/vjepa2';
import { pcaStage } from '@deepearth/reducers/stages/pca';
import { run } from '@deepearth/runtime/run';
import { explorer } from '@deepearth/sinks/explorer';
import { features } from '@deepearth/sinks/features';
import { synthetic } from '@deepearth/sources/synthetic';
import { sliding } from '@deepearth/windowers/sliding';

/** What `exploredRun` makes. */
export const explored = { sequences: ['north', 'south'], clips: 4, grid: [4, 8, 8], frames: 16 } as const;

/** Runs into a folder; `bundle` with `sink/explorer` in place of files of tokens. */
export async function exploredRun(output: string, { bundle = false }: { bundle?: boolean } = {}): Promise<void> {
  const frames = { count: explored.frames, width: 192, height: 128 };
  const pipeline = definePipeline(
    [
      use(synthetic, { ...frames, seed: 3, sequence: 'north' }, { id: 'north' }),
      use(synthetic, { ...frames, seed: 4, sequence: 'south' }, { id: 'south' }),
      use(sliding, { size: 8 }, { from: ['north', 'south'] }),
      use(vjepa2, { cropSize: 128 }, { id: 'tokens' }),
      use(pcaStage, {}, { id: 'pca' }),
      ...(bundle
        ? [use(explorer, { directory: 'looks' }, { from: ['tokens', 'pca'] })]
        : [use(features, {}, { id: 'features', from: 'tokens' }), use(features, {}, { id: 'colours', from: 'pca' })]),
    ],
    { name: 'small run' },
  );
  await run(pipeline, { output }).end;
}
