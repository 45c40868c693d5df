// What may lie over the frames.

import type { Explorer, Layer } from '../state/explorer.ts';

export interface LayerChoice {
  readonly layer: Layer;
  readonly label: string;
  readonly title: string;
}

const always: readonly LayerChoice[] = [
  { layer: 'none', label: 'Frame', title: 'The frame alone' },
  { layer: 'colors', label: 'Colours', title: 'Three principal components of all tokens as red, green and blue' },
  { layer: 'similarity', label: 'Similarity', title: 'How like the picks each token is' },
  { layer: 'change', label: 'Change', title: 'How much each token differs from the step before' },
  { layer: 'clusters', label: 'Clusters', title: 'Groups of tokens that are alike, by k-means' },
];

/** Those of every bundle, then the projections of the run. */
export const layerChoices = ({ bundle }: Pick<Explorer, 'bundle'>): readonly LayerChoice[] => [
  ...always,
  ...bundle.layers.map(({ name }, layer) => ({
    layer,
    label: name.toUpperCase(),
    title: `${name}, as the run reduced it`,
  })),
];
