// A plan as JSON, for programs.

import type { Plan } from '@deepearth/core/plan';

/** Sizes are numbers of bytes; `null` where something is known only when the data comes. */
export const planJson = ({ pipeline, stages, memoryBytes, diskBytes }: Plan): unknown => ({
  name: pipeline.name,
  stages: stages.map(({ stage, description: { output, ...rest }, consumers }) => ({
    id: stage.id,
    type: stage.definition.type,
    from: stage.from,
    to: consumers,
    with: stage.options,
    output,
    memoryBytes: rest.memoryBytes ?? 0,
    diskBytes: rest.diskBytes ?? 0,
    drains: rest.drains ?? false,
    notes: rest.notes ?? [],
  })),
  memoryBytes,
  diskBytes,
});
