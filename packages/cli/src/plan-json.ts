// A plan as JSON, for programs.

import { concealer } from '@deepearth/core/secrets';
import { unread, unreadWarning, type Plan } from '@deepearth/core/plan';

/** Sizes are numbers of bytes; `null` where something is known only when the data comes. */
export const planJson = (planned: Plan): unknown => {
  const { pipeline, stages, memoryBytes, diskBytes } = planned;
  const idle = unread(planned);
  const conceal = concealer(pipeline.stages, pipeline.secrets);
  return {
    name: pipeline.name,
    stages: stages.map(({ stage, description: { output, ...rest }, consumers }) => ({
      id: stage.id,
      type: stage.definition.type,
      from: stage.from,
      to: consumers,
      with: conceal.options(stage),
      output,
      memoryBytes: rest.memoryBytes ?? 0,
      diskBytes: rest.diskBytes ?? 0,
      drains: rest.drains ?? false,
      notes: rest.notes ?? [],
      warnings: [...(rest.warnings ?? []), ...(idle.includes(stage.id) ? [unreadWarning] : [])],
    })),
    memoryBytes,
    diskBytes,
  };
};
