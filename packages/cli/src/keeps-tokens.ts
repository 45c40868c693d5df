// Whether a run that is stopped can go on without encoding again.

import type { Pipeline } from '@deepearth/core/pipeline';

/** True where the tokens of every encoder go into files of tokens. */
export const keepsTokens = ({ stages }: Pick<Pipeline, 'stages'>): boolean =>
  stages
    .filter(({ definition: { kind } }) => kind === 'encoder')
    .every(({ id }) => stages.some(({ definition: { type }, from }) => type === 'sink/features' && from.includes(id)));
