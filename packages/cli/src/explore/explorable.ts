// Whether a pipeline leaves something to look into.

import type { Pipeline } from '@deepearth/core/pipeline';

/** True where it writes a bundle, or tokens to files that `deepearth explore` reads. */
export function explorable({ stages }: Pick<Pipeline, 'stages'>): boolean {
  const types = new Map(stages.map(({ id, definition: { type } }) => [id, type]));
  const sendsTokens = (id: string): boolean => /^(encoder\/|source\/features$)/.test(types.get(id) ?? '');
  return stages.some(
    ({ definition: { type }, from, options }) =>
      type === 'sink/explorer' ||
      (type === 'sink/features' &&
        from.some(sendsTokens) &&
        ['safetensors', 'pt'].includes((options as { format: string }).format)),
  );
}
