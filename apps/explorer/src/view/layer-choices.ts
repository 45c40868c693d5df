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

const labelChoice: LayerChoice = {
  layer: 'labels',
  label: 'Labels',
  title: 'What follows from the labels for all tokens',
};

/** Those of every bundle, then the projections of the run. */
export const layerChoices = ({ bundle, labels }: Pick<Explorer, 'bundle' | 'labels'>): readonly LayerChoice[] => [
  ...always,
  ...(labels.value.marks.length > 0 ? [labelChoice] : []),
  ...bundle.layers.map(({ name }, layer) => ({
    layer,
    label: name.toUpperCase(),
    title: `${name}, as the run reduced it`,
  })),
];
