// Whose items are read long after they were sent.

import type { StagePlan } from './plan.ts';

/**
 * Ids of the stages behind which one waits for all there is (a fit) or joins several streams, one of which may be far
 * behind the other. Sinks do either, too, but they take what has been drawn and read no frames.
 */
export function readLater(stages: readonly StagePlan[]): ReadonlySet<string> {
  const found = new Set<string>();
  // From the last stage to the first: what follows a stage has been looked at before it.
  for (const { stage, consumers } of [...stages].reverse())
    if (consumers.some((id) => found.has(id) || holdsBack(stages.find((each) => each.stage.id === id)!)))
      found.add(stage.id);
  return found;
}

const holdsBack = ({ stage, description }: StagePlan): boolean =>
  stage.definition.kind !== 'sink' && (description.drains === true || stage.from.length > 1);
