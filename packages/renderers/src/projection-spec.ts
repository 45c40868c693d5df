// What renderers ask of the stream that comes in.

import { axisSize, refuse, type Refusal, type StreamSpec } from '@deepearth/core';

/** Refuses anything but projections, and those of which no colour can be made. */
export function wantProjections(input: StreamSpec | undefined): Refusal | undefined {
  if (input?.kind !== 'projection') return refuse(`this renderer takes projections, not ${input?.kind ?? 'nothing'}.`, { remedy: input?.kind === 'tokens' ? 'Put a reducer between, reducer/pca or reducer/umap.' : 'Put it behind a reducer.' });
  if (axisSize(input, 'components') === 0) return refuse('a projection without components has no colours.');
  return undefined;
}

/** A count of pictures when the clips do not overlap; `null` otherwise, because frames are shown once. */
export const pictureCount = (input: StreamSpec, perClip: number | null): number | null => (input.count === 1 ? perClip : null);
