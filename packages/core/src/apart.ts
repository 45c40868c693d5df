// Tells which inputs of a stage can wait, unread, until the inputs before them have ended.

import type { Pipeline, PipelineStage } from './pipeline.ts';

/**
 * Of each input of a stage, whether leaving it unread holds up nothing that the stage needs for the inputs before it: it
 * is then read when its turn comes. A producer waits for its slowest consumer, so an input that is joined to them by any
 * way through the graph, in whatever direction, has to be read on.
 */
export const inputsThatWait = ({ stages }: Pick<Pipeline, 'stages'>, stage: PipelineStage): readonly boolean[] =>
  stage.from.map((input, index) => {
    if (index === 0) return false;
    // The inputs from this one on are unread, so their edges to the stage join nothing.
    const unread = new Set(stage.from.slice(index));
    const reached = new Set([input]);
    for (const id of reached)
      for (const other of stages)
        for (const from of other.from) {
          if (other.id === stage.id && unread.has(from)) continue;
          if (from === id) reached.add(other.id);
          if (other.id === id) reached.add(from);
        }
    return !reached.has(stage.id);
  });
