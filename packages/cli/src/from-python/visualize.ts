// `visualize_embeddings.py`: the colours of a feature file, alone and over the frames.

import { basename } from 'node:path';
import { DeepEarthError } from '@deepearth/core/errors';
import { parsePositive, parseWhole } from '../parse-number.ts';
import type { PipelineFile } from './pipeline-file.ts';

export interface VisualizeFlags {
  readonly outputDir: string;
  readonly frameDir?: string;
  readonly nNeighbors: string;
  readonly minDist: string;
  readonly alpha: string;
  /** False for `--no-overlay`. */
  readonly overlay: boolean;
}

function share(flag: string, text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1))
    throw new DeepEarthError(`${flag}: expected a number from 0 to 1, got ${JSON.stringify(text)}.`, {
      code: 'E_USAGE',
    });
  return value;
}

/** The pipeline of `deepearth visualize`. A frame that is not found is listed, and its overlay left out. */
export function visualizePipeline(features: string, flags: VisualizeFlags): PipelineFile {
  const { outputDir, frameDir, nNeighbors, minDist, alpha, overlay } = flags;
  // A name may have what is a place to fill in in a template; of a folder, the files are told apart by their frames.
  const file = /\.(?:pt|safetensors)$/;
  const stem = file.test(features)
    ? basename(features).replace(file, '').replaceAll(/[<>]/g, '_')
    : 'features_frames_<first>_<last>';
  const name = `${stem}_t<step>_frames_<stepFirst>_<stepLast>`;
  const opacity = share('--alpha', alpha);
  return {
    name: 'visualize',
    output: outputDir,
    stages: [
      { id: 'features', type: 'source/features', with: { path: features, frames: frameDir } },
      {
        id: 'umap',
        type: 'reducer/umap',
        with: { neighbors: parseWhole('--n-neighbors', nNeighbors, 2), minDist: parseZero('--min-dist', minDist) },
      },
      { id: 'token-pictures', type: 'renderer/tokens', with: { cellPixels: 10, overlap: 'every' } },
      { id: 'tokens', type: 'sink/pictures', with: { directory: '.', file: name } },
      ...(overlay
        ? [
            {
              id: 'overlay-pictures',
              type: 'renderer/overlay',
              from: 'umap',
              with: { opacity, per: 'step', overlap: 'every' },
              onError: 'skip' as const,
            },
            { id: 'overlays', type: 'sink/pictures', with: { directory: '.', file: `${name}_overlay` } },
          ]
        : []),
    ],
  };
}

const parseZero = (flag: string, text: string): number =>
  Number(text) === 0 && text.trim() ? 0 : parsePositive(flag, text);
