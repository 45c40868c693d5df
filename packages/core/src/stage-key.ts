// The lineage keys of a stage.

import { lineageOf } from './lineage.ts';
import type { PipelineStage } from './pipeline.ts';
import { withoutSecrets } from './secrets.ts';

/**
 * Makes the keys of what a stage sends: digests of its type, its options and `parts`, as `key` of a `StageContext`
 * does.
 */
export function stageKey({
  definition,
  options,
}: Pick<PipelineStage, 'definition' | 'options'>): (...parts: readonly (string | readonly string[])[]) => string {
  const content = withoutSecrets(options, definition.options);
  return (...parts) => lineageOf([definition.type, content, parts].flat(2));
}
